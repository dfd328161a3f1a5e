"""Discrete latents: their densities, codebooks and gradients, and the conformance kit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from vaezoo_discrete import (
    CategoricalPosterior,
    FSQPosterior,
    Perplexity,
    PixelCNNSampler,
    UniformCodes,
    VQPosterior,
)
from vaezoo_discrete.pixelcnn import PixelCNN, train

from vaezoo import Batch, EvaluationContext, LatentSpace, Posterior, Schedule
from vaezoo.diagnostics import SpecError
from vaezoo.testing import (
    MetricConformance,
    PluginConformance,
    PosteriorConformance,
    PriorConformance,
    SamplerConformance,
    require_exact_resume,
    small_context,
    small_model,
    small_spec,
)
from vaezoo.training import Observer, load_for_training
from vaezoo.training import train as train_spec

GRADIENT = VQPosterior(codes=6, dimensions=3, update="gradient")
AVERAGES = VQPosterior(codes=6, dimensions=3)
FSQ = FSQPosterior(levels=(4, 3))
CATEGORICAL = CategoricalPosterior(classes=5)
COOLING = CategoricalPosterior(
    classes=5, temperature=Schedule(exponential=(1.0, 0.5), epochs=2), hard=True
)
EACH = pytest.mark.parametrize(
    "posterior", [GRADIENT, AVERAGES, FSQ, CATEGORICAL], ids=["gradient", "ema", "fsq", "gumbel"]
)


class TestPlugin(PluginConformance):
    plugin = "vaezoo-discrete"


class TestCategorical(PosteriorConformance):
    component = CATEGORICAL
    prior = UniformCodes()


class TestPrior(PriorConformance):
    component = UniformCodes()


class TestPerplexity(MetricConformance):
    component = Perplexity()

    def context(
        self, image: Any = (1, 8, 8), latent: int = 2, **options: bool
    ) -> EvaluationContext:
        """The small context with a model of codes."""
        from dataclasses import replace

        context = small_context(image, latent, **options)
        model = small_model(image, latent, posterior=AVERAGES, prior=UniformCodes()).eval()
        return replace(context, model=model, spec=model.spec)


@EACH
@pytest.mark.parametrize("latent", [3, [2, 2]])
def test_it_trains_reconstructs_and_samples(posterior: Posterior, latent: int | list[int]) -> None:
    model = small_model(latent=latent, posterior=posterior, prior=UniformCodes())
    images = torch.rand(6, 1, 8, 8)
    trace = model.trace(Batch(images), torch.Generator().manual_seed(1))
    objective = trace.reconstruction + trace.kl
    if trace.penalty is not None:
        objective = objective + trace.penalty
    objective.mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert any(p.grad is not None and bool(p.grad.any()) for p in model.encoder.parameters())
    model.eval()
    codes = model.encode(images)
    assert codes.dtype == torch.int64
    assert codes.min() >= 0
    assert codes.max() < (model.space.levels or 0)
    torch.testing.assert_close(model.decode(codes), model.reconstruct(images))
    assert model.sample(3).shape == (3, 1, 8, 8)


@EACH
def test_the_decoder_receives_the_same_for_a_code_in_evaluation(posterior: Posterior) -> None:
    model = small_model(latent=4, posterior=posterior, prior=UniformCodes()).eval()
    q = model.posterior(torch.rand(6, 1, 8, 8))
    torch.testing.assert_close(q.features(q.mean), model.family.features(q.mean))


def test_codes_are_the_nearest_vectors() -> None:
    torch.manual_seed(0)
    module = GRADIENT.build((7,))
    vectors = torch.randn(5, 3, 7)
    codes = module(vectors).mean
    book = module.codebook.detach()  # type: ignore[attr-defined]
    distances = torch.cdist(vectors.movedim(1, -1).flatten(0, 1), book)
    assert torch.equal(codes.flatten(), distances.argmin(1))


def test_the_gradient_passes_straight_through() -> None:
    torch.manual_seed(0)
    module = GRADIENT.build((7,))
    vectors = torch.randn(5, 3, 7, requires_grad=True)
    q = module(vectors)
    weights = torch.randn(5, 3, 7)
    (gradient,) = torch.autograd.grad((weights * q.features(q.mean)).sum(), vectors)
    torch.testing.assert_close(gradient, weights)


def test_moving_averages_follow_the_vectors() -> None:
    """With a constant batch, codes converge to the means of the vectors that chose them."""
    torch.manual_seed(0)
    module = VQPosterior(codes=2, dimensions=2, decay=0.5, reset_below=0.0).build((4,))
    vectors = torch.tensor([[[0.0, 0.2, 4.0, 4.4], [0.0, 0.0, 1.0, 1.0]]])
    module.codebook.copy_(torch.tensor([[1.0, 0.0], [3.0, 1.0]]))  # type: ignore[attr-defined]
    for _ in range(60):
        q = module(vectors)
    assert q.mean.tolist() == [[0, 0, 1, 1]]
    expected = torch.tensor([[0.1, 0.0], [4.2, 1.0]])
    torch.testing.assert_close(module.codebook, expected)  # type: ignore[attr-defined]
    module.eval()  # type: ignore[attr-defined]
    before = module.codebook.clone()  # type: ignore[attr-defined]
    module(3 * vectors)
    assert torch.equal(module.codebook, before)  # type: ignore[attr-defined]


def test_a_dead_code_moves_onto_a_vector() -> None:
    torch.manual_seed(0)
    module = VQPosterior(codes=4, dimensions=2, decay=0.5, reset_below=0.1).build((3,))
    module.codebook.copy_(torch.tensor([[0.0, 0], [50, 50], [60, 60], [70, 70]]))  # type: ignore[attr-defined]
    vectors = torch.randn(8, 2, 3)
    for _ in range(20):
        module(vectors)
    assert module.codebook.abs().max() < 5  # type: ignore[attr-defined]
    assert len(module(vectors).mean.unique()) == 4


@pytest.mark.parametrize("levels", [(2,), (3,), (4, 3), (8, 5, 5)])
def test_every_scalar_code_is_reached_and_read_back(levels: tuple[int, ...]) -> None:
    module = FSQPosterior(levels=levels).build((1,))
    count = math.prod(levels)
    codes = torch.arange(count)[:, None]
    numbers = module.features(codes)
    assert numbers.abs().max() <= 1
    assert len(numbers.flatten(1).unique(dim=0)) == count
    wide = 3 * torch.randn(500 * count, len(levels), 1)
    found = module(wide)
    assert set(found.mean.flatten().tolist()) == set(range(count))
    torch.testing.assert_close(found.features(found.mean), module.features(found.mean))


def test_the_relaxation_comes_near_the_code_as_it_cools() -> None:
    logits = torch.randn(200, 5, 3)
    distances = []
    for temperature in (2.0, 0.1):
        posterior = CategoricalPosterior(classes=5, temperature=temperature)
        module = posterior.build((3,))
        module.train()  # type: ignore[attr-defined]
        q = module(logits)
        z = q.sample(torch.Generator().manual_seed(0))
        distances.append((q.features(z) - module.features(z)).abs().mean().item())
    assert distances[1] < 0.3 * distances[0]


def test_a_codebook_larger_than_the_data_is_refused() -> None:
    large = VQPosterior(codes=145, dimensions=3)
    spec = small_spec(posterior=large, prior=UniformCodes())
    with pytest.raises(SpecError, match="145 codes is larger than the data, 144 latents in 72 tr"):
        load_for_training(spec)
    load_for_training(small_spec(posterior=VQPosterior(codes=144), prior=UniformCodes()))


def test_the_temperature_follows_its_schedule(tmp_path: Path) -> None:
    """The last of three steps an epoch starts after 1 2/3 of 2 epochs, from 1 to 0.5."""
    spec = small_spec(posterior=COOLING, prior=UniformCodes())
    data, device = load_for_training(spec), torch.device("cpu")
    trained = train_spec(spec, data, device=device, directory=tmp_path, observer=Observer())
    temperature = trained.model.family.temperature.item()
    assert temperature == pytest.approx(0.5 ** (5 / 6))


def test_the_kl_is_that_of_the_uniform_prior() -> None:
    logits = torch.randn(4, 5, 3)
    q = CATEGORICAL.build((3,))(logits)
    prior = UniformCodes().build(LatentSpace((3,), "code", 5))
    shares = torch.softmax(logits, 1)
    expected = (shares * (shares.log() + math.log(5))).sum(1)
    found = prior.kl(q)
    assert found is not None
    torch.testing.assert_close(found, expected)


class TestPixelCNN(SamplerConformance):
    component = PixelCNNSampler(channels=8, layers=1, epochs=1)
    posterior = AVERAGES
    prior = UniformCodes()


def test_a_code_depends_on_those_before_it_alone() -> None:
    torch.manual_seed(0)
    network = PixelCNN((4, 5), 6, 8, 2)
    codes = torch.randint(6, (1, 4, 5))
    other = codes.clone()
    other[0, 2, 3] = (codes[0, 2, 3] + 1) % 6
    changed = (network(codes) != network(other)).any(1)[0].flatten()
    assert not changed[: 2 * 5 + 4].any()
    assert changed[2 * 5 + 4 :].any()


def test_the_network_learns_and_draws_a_pattern() -> None:
    """The second of two codes is the first plus one."""
    torch.manual_seed(0)
    first = torch.randint(4, (2000, 1))
    codes = torch.cat([first, (first + 1) % 4], 1)
    network = PixelCNN((2,), 4, 16, 1)
    train(network, codes, epochs=20, batch_size=100, lr=1e-2)
    assert -network.log_prob(codes).mean().item() == pytest.approx(math.log(4), abs=0.05)
    with torch.no_grad():
        drawn = network.sample(500, torch.Generator().manual_seed(1))
    assert ((drawn[:, 0] + 1) % 4 == drawn[:, 1]).float().mean() > 0.95
    assert len(drawn[:, 0].unique()) == 4


@pytest.mark.parametrize(
    "parts",
    [{"posterior": each, "prior": UniformCodes()} for each in (AVERAGES, GRADIENT, FSQ, COOLING)],
)
def test_a_stopped_run_resumes_to_the_same_bytes(parts: dict[str, Any], tmp_path: Path) -> None:
    require_exact_resume(small_spec(latent=[2, 2], epochs=3, **parts), tmp_path)
