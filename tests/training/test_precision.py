"""Matmul precision of training, and what stays in float32."""

from __future__ import annotations

import pytest
import torch

from tests.helpers import small_spec
from tests.training.test_compiled_step import batches_of, not_compiled, state_of
from vaezoo.data.pixels import as_unit
from vaezoo.diagnostics import RunError
from vaezoo.registry import Batch
from vaezoo.training import Observer, train
from vaezoo.training.execution import precision
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.execution.graph_capture import NotCapturable
from vaezoo.training.execution.precision import resolve_precision, with_autocast
from vaezoo.training.execution.step import ScheduledValues
from vaezoo.training.loop import build_loss

CPU = torch.device("cpu")
NOW = ScheduledValues({"beta": 1.0, "free_bits": 0.0}, lr=1e-2)


@pytest.fixture
def bfloat16_cpu(monkeypatch):
    """Pretend that the CPU has bfloat16 instructions."""
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)


def of(name):
    return small_spec(train={"precision": name})


def test_float32_is_not_part_of_the_canonical_spec():
    assert small_spec().canonical() == of("float32").canonical()
    assert "precision" not in small_spec().canonical()["train"]
    assert of("bfloat16").canonical()["train"]["precision"] == "bfloat16"
    assert small_spec().training_digest() == of("float32").training_digest()
    assert small_spec().training_digest() != of("bfloat16").training_digest()


def test_a_cpu_has_no_tf32():
    with pytest.raises(RunError, match=r"VZ602.*does not support tf32"):
        resolve_precision("tf32", CPU)


@pytest.mark.parametrize(("has", "found"), [(True, "bfloat16"), (False, "float32")])
def test_auto_uses_bfloat16_where_supported(has, found, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: has)
    assert resolve_precision("auto", CPU) == found
    assert resolve_precision("float32", CPU) == "float32"
    assert resolve_precision("auto", torch.device("mps")) == "float32"


def test_unsupported_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: False)
    with pytest.raises(RunError, match=r"VZ602.*bfloat16"):
        resolve_precision("bfloat16", CPU)


def terms_of(loss, model, images):
    noise = torch.Generator().manual_seed(5)
    return loss(model, Batch(images.float() / 255), NOW.weights, noise)


def test_products_are_rounded_and_terms_are_not():
    spec = small_spec()
    model, loss, images = (
        state_of(spec).model.train(),
        spec.loss.build(),
        batches_of(spec, 1)[0].images,
    )
    exact, rounded = (
        terms_of(one, model, images) for one in (loss, with_autocast(loss, "bfloat16"))
    )
    for name, values in rounded.items():
        assert values.dtype == torch.float32
        torch.testing.assert_close(values, exact[name], rtol=0.02, atol=0.05)
    assert not torch.equal(rounded["objective"], exact["objective"])


def test_validation_stays_in_float32():
    spec = small_spec()
    model, loss, images = (
        state_of(spec).model.eval(),
        spec.loss.build(),
        batches_of(spec, 1)[0].images,
    )
    exact, rounded = (
        terms_of(one, model, images) for one in (loss, with_autocast(loss, "bfloat16"))
    )
    assert torch.equal(rounded["objective"], exact["objective"])


@pytest.mark.slow
def test_a_captured_step_rounds_like_an_eager_step(bfloat16_cpu):
    spec = of("bfloat16")
    eager_state, state = state_of(spec), state_of(spec)
    batches = batches_of(spec, 4)
    loss = build_loss(spec, CPU)
    eager = EagerStep(spec, eager_state, loss)
    step = CompiledStep(spec, state, loss, batches[0], not_compiled)
    for batch in batches:
        expected = eager(as_unit(batch), NOW)
        torch.testing.assert_close(step(batch, NOW), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_wrong_program_is_refused_in_bfloat16(bfloat16_cpu):
    def wrong(graph, inputs):
        def program(*given):
            sums, *rest = graph(*given)
            return [sums * 1.5, *rest]

        return program

    spec = of("bfloat16")
    loss = build_loss(spec, CPU)
    with pytest.raises(NotCapturable, match="computes different values"):
        CompiledStep(spec, state_of(spec), loss, batches_of(spec, 1)[0], wrong)


class Watching(Observer):
    def execution_chosen(self, execution):
        self.execution = execution


def run(spec, folder, observer=None):
    data = spec.dataset.build()
    return train(spec, data, device=CPU, directory=folder, observer=observer or Observer())


def test_a_run_reports_its_precision(bfloat16_cpu, tmp_path):
    watching = Watching()
    trained = run(of("bfloat16"), tmp_path, watching)
    assert trained.execution.precision == "bfloat16"
    assert str(watching.execution).endswith("precision: bfloat16")


def test_auto_does_not_resume_with_another_precision(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: False)
    run(of("auto"), tmp_path)
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)
    with pytest.raises(RunError, match=r"VZ604.*precision"):
        run(of("auto"), tmp_path)
