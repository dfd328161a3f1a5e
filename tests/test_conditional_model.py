"""A model with a condition: labels reach encoder, decoder and prior."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.testing import assert_close

import vaezoo
from tests.helpers import Blobs, registry_with, small_spec, spec_data
from vaezoo.diagnostics import DataError, SpecError
from vaezoo.model import VAE, DiagonalGaussian, WithOneHot, build, one_hot
from vaezoo.registry import Batch, Condition, Decoder, Encoder, ImageShape, Prior, Topology
from vaezoo.registry.module_contracts import LatentSpace, Shape
from vaezoo.spec import Spec, from_data
from vaezoo.zoo import Entry, make_lock
from vaezoo.zoo.publish import publish

NAMES = ("a", "b", "c", "d")


def conditional(**changes: Any) -> Spec:
    model = {"condition": "labels", **changes.pop("model", {})}
    return small_spec(model=model, **changes)


@pytest.fixture
def model() -> VAE:
    return build(conditional()).eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return Blobs().build().test.images[:6]


def test_the_code_of_an_unknown_class_is_zero() -> None:
    code = one_hot(torch.tensor([2, -1, 0]), 3)
    assert code.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_an_encoder_gets_a_channel_and_a_decoder_a_latent_for_each_class() -> None:
    class Seen(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return values

    labels = torch.tensor([1, -1])
    images = WithOneHot(Seen(), 2)(torch.full((2, 3, 2, 2), 0.5), labels)
    assert images.shape == (2, 5, 2, 2)
    assert (images[0, 3].unique().tolist(), images[0, 4].unique().tolist()) == ([0], [0.5])
    assert images[0, 3:].norm() == 1
    assert not images[1, 3:].any()
    vectors = WithOneHot(Seen(), 2)(torch.tensor([[0.5], [0.25]]), labels)
    assert vectors.tolist() == [[0.5, 0, 1], [0.25, 0, 0]]


def test_a_linear_decoder_adds_the_column_of_the_class() -> None:
    plain, linear = build(small_spec()), nn.Linear(2 + 4, 36)
    decoder = nn.Sequential(linear, nn.Unflatten(1, (1, 6, 6)))
    model = VAE(
        (1, 6, 6),
        2,
        WithOneHot(plain.encoder, 0),
        WithOneHot(decoder, 4),
        plain.likelihood,
        plain.prior,
        condition=Condition(NAMES),
    )
    z = torch.randn(3, 2)
    columns = torch.stack([linear.weight[:, 4], linear.weight[:, 2], 0 * linear.bias])
    logits = z @ linear.weight[:, :2].T + columns + linear.bias
    assert_close(model.decode(z, ["c", "a", -1]).flatten(1), torch.sigmoid(logits))


def test_the_terms_of_a_trace_are_those_of_its_labels(model: VAE, images: Tensor) -> None:
    x, labels = images / 255, torch.tensor([0, 1, 2, 3, -1, 0])
    generator = torch.Generator().manual_seed(0)
    trace = model.trace(Batch(x, labels), generator, samples=3)
    q = model.posterior(x, labels)
    assert isinstance(q, DiagonalGaussian)
    kl = 0.5 * (q.mean**2 + q.log_var.exp() - 1 - q.log_var).sum(1)
    assert_close(trace.kl, kl)
    z = trace.sites[0].z
    parameters = model.decoded(z, labels.repeat(3))
    expected = model.likelihood.log_prob(x.repeat(3, 1, 1, 1), parameters)
    assert_close(trace.log_likelihood, expected.view(3, 6))
    alone = model.trace(Batch(x[1:2], labels[1:2]), generator)
    assert_close(alone.kl, kl[1:2])


def test_names_numbers_lists_and_tensors_mean_the_same(model: VAE, images: Tensor) -> None:
    expected = model.reconstruct(images, torch.full((6,), 2))
    forms: list[Any] = ["c", 2, ["c"] * 6, [2, "c", 2, "c", 2, "c"], torch.full((6,), 2).numpy()]
    for same in forms:
        assert torch.equal(model.reconstruct(images, same), expected)
    assert not torch.equal(model.reconstruct(images, "a"), expected)
    assert torch.equal(model.posterior(images / 255, "c").mean, model.encode(images, "c"))
    assert torch.equal(model.sample(5, labels="c"), model.sample(5, labels=[2] * 5))


def test_samples_are_of_each_class_in_turn(model: VAE) -> None:
    drawn = model.sample(6, seed=3)
    assert torch.equal(drawn, model.sample(6, labels=["a", "b", "c", "d", "a", "b"], seed=3))
    z = model.draw(6, torch.Generator().manual_seed(3))
    assert torch.equal(drawn, model.decode(z, [0, 1, 2, 3, 0, 1]))


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ("B ", "no class 'B '; did you mean 'b'"),
        (4, "from 4 to 4, expected from 0 to 3, or -1"),
        (-2, "from -2 to -2"),
        ([0, 1], r"shape \(2,\), expected \(6,\)"),
        (torch.zeros(6), "expected names or integers"),
        (None, "is conditioned on labels: give labels"),
    ],
)
def test_wrong_labels(model: VAE, images: Tensor, labels: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        model.encode(images, labels)


def test_a_model_without_a_condition_takes_no_labels(images: Tensor) -> None:
    plain = build(small_spec())
    for call in (
        lambda: plain.sample(2, labels="a"),
        lambda: plain.encode(images, "a"),
        lambda: plain.sample(2, labels=torch.tensor([0, 1])),
    ):
        with pytest.raises(ValueError, match="has no condition, so it takes no labels"):
            call()
    labels = torch.zeros(6, dtype=torch.int64)  # those of a batch, as metrics pass them
    assert torch.equal(plain.reconstruct(images, labels), plain.reconstruct(images))


def test_a_canonical_spec_has_the_condition_only_if_there_is_one() -> None:
    assert "condition" not in small_spec().canonical()["model"]
    assert conditional().canonical()["model"]["condition"] == "labels"
    assert small_spec().training_digest() != conditional().training_digest()


class LabelledNet(nn.Module):
    """A table with a row for each class, beside a linear map."""

    def __init__(self, inputs: int, output: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.output = output
        self.linear = nn.Linear(inputs, math.prod(output))
        self.table = nn.Parameter(torch.randn(classes, math.prod(output)))

    def forward(self, values: Tensor, labels: Tensor) -> Tensor:
        return (self.linear(values.flatten(1)) + self.table[labels]).unflatten(1, self.output)


class OwnEncoder(Encoder, use="own_labels"):
    """Uses labels itself."""

    conditional = True

    def build(
        self, image: ImageShape, output: Shape, condition: Condition | None = None
    ) -> nn.Module:
        assert condition is not None
        return LabelledNet(math.prod(image), output, condition.size)


class OwnDecoder(Decoder, use="own_labels"):
    """Uses labels itself."""

    conditional = True

    def build(
        self, latents: Shape, output: ImageShape, condition: Condition | None = None
    ) -> nn.Module:
        assert condition is not None
        return LabelledNet(math.prod(latents), output, condition.size)


class ShiftedNet(nn.Module):
    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.means = nn.Parameter(torch.randn(classes, size))

    def _normal(self, labels: Tensor) -> DiagonalGaussian:
        mean = one_hot(labels, len(self.means)) @ self.means
        return DiagonalGaussian(mean, torch.zeros_like(mean))

    def log_prob(self, z: Tensor, labels: Tensor) -> Tensor:
        return self._normal(labels).log_prob(z)

    def sample(self, count: int, generator: torch.Generator, labels: Tensor) -> Tensor:
        return self._normal(labels).sample(generator)

    def kl(self, posterior: Any, labels: Tensor) -> Tensor | None:
        return self._normal(labels).kl(posterior)


class ShiftedPrior(Prior, use="shifted"):
    """A normal distribution around a mean of the class."""

    conditional = True

    def build(self, space: LatentSpace, condition: Condition | None = None) -> Any:
        assert condition is not None
        return ShiftedNet(space.size, condition.size)


class DeafTopology(Topology, use="deaf"):
    """Passes no labels on."""

    def build(self, posterior: Any, latent: Shape) -> Any:
        raise AssertionError


REGISTRY = registry_with(Blobs, OwnEncoder, OwnDecoder, ShiftedPrior, DeafTopology)


def own_parts(**parts: Any) -> dict[str, Any]:
    own = {"encoder": "own_labels", "decoder": "own_labels", "prior": "shifted"}
    return spec_data(model={**own, "condition": "labels", **parts})


def test_conditional_parts_get_labels_themselves(images: Tensor) -> None:
    model = build(from_data(own_parts(), REGISTRY))
    table: Any = model.encoder.table
    one, other = (model.encoded(images / 255, label).flatten(1) for label in ("a", "d"))
    assert_close(one - other, (table[0] - table[3]).expand(6, -1))
    drawn = model.draw(3, torch.Generator().manual_seed(1), torch.tensor([0, 2, -1]))
    noise = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    prior: Any = model.prior
    means = prior.module.means
    assert_close(drawn, noise + torch.stack([means[0], means[2], torch.zeros(2)]))


def test_the_kl_to_a_conditional_prior_is_that_of_each_label(images: Tensor) -> None:
    model = build(from_data(own_parts(), REGISTRY))
    x, labels = images / 255, torch.tensor([0, 1, 2, 3, 1, 0])
    trace = model.trace(Batch(x, labels), torch.Generator().manual_seed(0), samples=2)
    q = model.posterior(x, labels)
    assert isinstance(q, DiagonalGaussian)
    prior: Any = model.prior
    means = prior.module.means
    shift = q.mean - means[labels]
    assert_close(trace.kl, 0.5 * (shift**2 + q.log_var.exp() - 1 - q.log_var).sum(1))
    z = trace.sites[0].z
    expected = -0.5 * ((z - means[labels.repeat(2)]) ** 2 + math.log(2 * math.pi)).sum(1)
    assert_close(trace.log_p.flatten(), expected)


def test_a_conditional_prior_needs_a_topology_that_passes_labels() -> None:
    with pytest.raises(SpecError, match=r"VZ402.*'deaf' gives no labels to the prior"):
        from_data(own_parts(topology="deaf"), REGISTRY)


def picture_folder(folder: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    for name in ("cats", "dogs", "owls"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = torch.randint(0, 256, (8, 8), dtype=torch.uint8, generator=generator)
            Image.fromarray(pixels.numpy()).save(folder / name / f"{number}.png")
    return folder


def published(folder: Path, zoo: Path) -> Entry:
    dataset = {"use": "image_folder", "path": str(folder), "height": 8, "channels": 1}
    data = spec_data(name="pets", dataset=dataset, model={"condition": "labels"})
    registry = registry_with()
    spec = from_data(data, registry)
    assert spec.dataset.class_names == ("cats", "dogs", "owls")
    lock = make_lock(spec, registry, device="cpu", precision="float32", dataset_digest="0" * 64)
    return publish(spec, build(spec), lock=lock, figures=[], zoo=zoo)


def test_an_entry_is_sampled_where_its_images_are_absent(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures")
    entry = published(folder, tmp_path / "zoo")
    expected = entry.load().sample(4, labels="dogs")
    for change in (lambda: shutil.rmtree(folder / "cats"), lambda: shutil.rmtree(folder)):
        change()  # other classes, and then none
        model = vaezoo.load("pets", zoo=tmp_path / "zoo")
        assert model.condition == Condition(("cats", "dogs", "owls"))
        assert torch.equal(model.sample(4, labels="dogs"), expected)


def test_images_of_other_classes_are_refused(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures")
    published(folder, tmp_path / "zoo")
    (folder / "cats").rename(folder / "newts")
    with pytest.raises(DataError, match=r"VZ612.*they are dogs, newts, owls, expected cats"):
        vaezoo.evaluate("pets", zoo=tmp_path / "zoo")


def test_a_dataset_without_classes_is_refused(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    dataset = {"use": "image_folder", "path": str(tmp_path), "height": 8, "channels": 1}
    data = spec_data(dataset=dataset, model={"condition": "labels"})
    with pytest.raises(SpecError, match=r"VZ402.*'image_folder' names no classes"):
        from_data(data, registry_with())
