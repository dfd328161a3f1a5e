"""Labels in training: every kind of step, placement and ensemble gives the same result."""

from __future__ import annotations

import pytest
import torch

from tests.helpers import small_spec
from tests.training.test_compiled_step import batches_of, compare, not_compiled, state_of
from tests.training.test_distributed import terms_of
from tests.training.test_ensemble import TRAIN, assert_alike, together
from tests.training.test_loop import StopAfter, digest, run
from vaezoo.data.image_batches import batches, shuffled_batches
from vaezoo.data.placement import arranged
from vaezoo.data.resident import Resident
from vaezoo.diagnostics import SpecError
from vaezoo.registry import Batch
from vaezoo.system.torchrun import Processes
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.inductor import compile_graph
from vaezoo.training.prepare import check

CPU = torch.device("cpu")
PARTS = {"condition": "labels"}
CONVOLUTIONS = {
    "encoder": {"use": "conv", "channels": [4]},
    "decoder": {"use": "conv_transpose", "channels": [4]},
}


def conditional(**changes):
    return small_spec(model={**PARTS, **changes.pop("model", {})}, **changes)


@pytest.mark.parametrize("parts", [{}, CONVOLUTIONS], ids=["mlp", "conv"])
def test_a_captured_step_updates_like_an_eager_step(parts):
    assert batches_of(conditional(), 1)[0].labels is not None
    compare(conditional(model=parts), not_compiled)


@pytest.mark.slow
def test_a_compiled_step_updates_like_an_eager_step(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    compare(conditional(), compile_graph)


def test_labels_are_inputs_of_the_captured_graph():
    spec = conditional()
    state, batch = state_of(spec), batches_of(spec, 1)[0]
    seen = []

    def compiler(graph, inputs):
        seen.append([tuple(t.shape) for t in inputs if t.dtype == torch.int64])
        return graph

    CompiledStep(spec, state, spec.loss.build(), batch, compiler)
    assert seen == [[(16,)]]


@pytest.mark.parametrize("binarize", ["none", "dynamic"])
@pytest.mark.parametrize("limits", [{}, {"DEVICE": "1"}, {"DEVICE": "1", "HOST": "1"}], ids=str)
def test_labels_follow_their_images_everywhere(limits, binarize, monkeypatch, tmp_path):
    """The brightest quarter of an image says its label."""
    spec = conditional()
    data = spec.dataset.build()
    how = data.binarization.model_copy(update={"use": binarize})
    object.__setattr__(data, "binarization", how)
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path))
    for name, limit in limits.items():
        monkeypatch.setenv(f"VAEZOO_{name}_MEMORY", limit)
    placed = arranged(data, 0.25, 3, CPU)
    training = placed.training
    if binarize == "dynamic":
        training = training.drawn(torch.Generator().manual_seed(0))
    order = torch.randperm(len(training))
    assert placed.validation is not None
    for made in (shuffled_batches(training, order, 7), batches(placed.validation, 7)):
        counted = 0
        for images, labels in made:
            quarters = images.unfold(2, 3, 3).unfold(3, 3, 3).sum((1, 4, 5)).flatten(1)
            assert labels is not None
            assert torch.equal(quarters.argmax(1), labels)
            counted += len(images)
        assert counted in (len(training), len(placed.validation))


def test_a_model_without_a_condition_gets_no_labels(tmp_path):
    seen = []

    class Watched:
        def __call__(self, model, batch, weights, generator):
            seen.append(batch.labels)
            return small_spec().loss.build()(model, batch, weights, generator)

    spec = small_spec(train={"epochs": 1})
    object.__setattr__(spec.loss, "build", Watched)
    run(spec, tmp_path)
    assert seen
    assert not any(labels is not None for labels in seen)


def test_training_uses_the_labels(tmp_path):
    """With one latent of no use, only the label says where the bright square is."""
    plan = {"epochs": 40, "optimizer": {"use": "adam", "lr": 1e-2}}
    loss = {"use": "elbo", "beta": 1000.0}
    plain = run(small_spec(train=plan, loss=loss), tmp_path / "plain")
    given = run(conditional(train=plan, loss=loss), tmp_path / "given")
    errors = [trained.history[-1].validation["reconstruction"] for trained in (plain, given)]
    assert errors[1] < 0.9 * errors[0]
    drawn = given.model.sample(4, labels=[0, 1, 2, 3])
    quarters = drawn.unfold(2, 3, 3).unfold(3, 3, 3).sum((1, 4, 5)).flatten(1)
    assert quarters.argmax(1).tolist() == [0, 1, 2, 3]


def test_a_resumed_run_has_the_same_weights(tmp_path):
    spec = conditional(train={"epochs": 4})
    straight = run(spec, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path / "stopped", StopAfter(2))
    assert digest(run(spec, tmp_path / "stopped")) == digest(straight)


def test_images_in_host_memory_give_the_same_weights(tmp_path, monkeypatch):
    near = run(conditional(), tmp_path / "near")
    monkeypatch.setenv("VAEZOO_DEVICE_MEMORY", "1")
    away = run(conditional(), tmp_path / "away")
    assert away.execution.images.kind == "host"
    assert digest(away) == digest(near)


@pytest.mark.parametrize("in_turn", [True, False])
def test_each_member_equals_its_own_run(tmp_path, monkeypatch, in_turn):
    monkeypatch.setattr("vaezoo.training.ensemble.train._trains_in_turn", lambda device: in_turn)
    specs = [conditional(name=f"s{n}", train={**TRAIN, "seed": n}) for n in (0, 1)]
    assert together(specs, tmp_path) is None
    assert_alike(specs, tmp_path)


def test_processes_share_the_labels_of_a_batch():
    spec = conditional()
    train = spec.dataset.build().train
    batch = Batch(train.images[:17], train.labels[:17])
    whole, _ = terms_of(spec, batch, slice(0, 17))
    parts = [terms_of(spec, batch, Processes(r, 3).share(17))[0] for r in range(3)]
    for name, values in whole.items():
        torch.testing.assert_close(torch.cat([terms[name] for terms in parts]), values)


def test_data_without_labels_are_refused():
    spec = conditional()
    data = spec.dataset.build()
    object.__setattr__(data.train, "labels", None)
    with pytest.raises(SpecError, match=r"VZ402.*the model uses labels.*'blobs' have none"):
        check(spec, data, Processes())


def test_labels_of_rows_are_taken_with_their_images():
    stored = Batch(torch.arange(4).view(4, 1, 1, 1), torch.arange(4))
    kept = Resident(*stored.rows(torch.tensor([3, 1])))
    assert kept.labels is not None
    assert kept.labels.tolist() == [3, 1] == kept[:].flatten().tolist()
