"""Shares of batches: every row once, with the same noise as in one process."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.helpers import small_spec
from vaezoo.data.pixels import to_unit
from vaezoo.diagnostics import RunError
from vaezoo.model import build
from vaezoo.registry import Batch
from vaezoo.system.torchrun import Processes, refuse_small_batches
from vaezoo.training import Observer
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.distributed.process_group import ProcessGroup
from vaezoo.training.distributed.shared_step import shared_terms, warning_about


def state_of(spec):
    model = build(spec, seed=1)
    generators: Any = (torch.Generator().manual_seed(seed) for seed in (2, 3))
    optimizer = spec.train.optimizer.build(model.parameters(), 1e-2)
    return TrainingState(model, optimizer, *generators)


def terms_of(spec, batch, rows, draw=None):
    """The terms of some rows of a batch, and the generator's state afterwards."""
    state, loss = state_of(spec), draw or spec.loss.build()

    def objective(mine, weights, generator):
        return loss(state.model, mine, weights, generator)

    terms = shared_terms(objective, batch, rows, {"beta": 2.0}, state.noise)
    return terms, state.noise.get_state()


@given(st.integers(0, 1000), st.integers(1, 40))
def test_shares_partition_the_rows_evenly(rows, count):
    shares = [range(rows)[Processes(rank, count).share(rows)] for rank in range(count)]
    assert [row for share in shares for row in share] == list(range(rows))
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("whole", [17, 4, 1])
def test_terms_do_not_depend_on_the_number_of_processes(whole, count):
    spec = small_spec()
    images = spec.dataset.build().train.images[:whole]
    at_once, stood = terms_of(spec, Batch(images), slice(0, whole))
    parts = [terms_of(spec, Batch(images), Processes(r, count).share(whole)) for r in range(count)]
    for name, values in at_once.items():
        torch.testing.assert_close(torch.cat([terms[name] for terms, _ in parts]), values)
    assert all(torch.equal(state, stood) for _, state in parts)


def drawing(shape, function=torch.randn):
    """A loss whose terms are sums of a draw of ``shape(images)`` over all but the examples."""

    def loss(model, batch, weights, generator):
        rows = len(batch.images)
        drawn = function(shape(rows), generator=generator)
        values = drawn.flatten().sum().expand(rows) if drawn.ndim < 2 else drawn.sum((0, 2))
        return dict.fromkeys(("objective", "reconstruction", "kl"), values)

    return loss


def test_several_draws_per_example_are_divided():
    spec = small_spec()
    images = spec.dataset.build().train.images[:12]
    loss = drawing(lambda rows: (5, rows, 2))
    whole, _ = terms_of(spec, Batch(images), slice(0, 12), loss)
    part, _ = terms_of(spec, Batch(images), slice(4, 8), loss)
    assert torch.equal(part["objective"], whole["objective"][4:8])


def test_a_draw_without_an_example_dimension_is_shared():
    spec = small_spec()
    images = spec.dataset.build().train.images[:12]
    loss = drawing(lambda rows: (7,))
    whole, _ = terms_of(spec, Batch(images), slice(0, 12), loss)
    part, _ = terms_of(spec, Batch(images), slice(4, 8), loss)
    assert torch.equal(part["objective"], whole["objective"][4:8])


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (drawing(lambda rows: (3 * rows,)), r"draws \(12,\) numbers for 4 examples"),
        (drawing(lambda rows: torch.ones(1, rows, 1) / 2, torch.bernoulli), "draws with bernoulli"),
    ],
)
def test_indivisible_noise_is_rejected(loss, why):
    spec = small_spec()
    images = spec.dataset.build().train.images[:8]
    with pytest.raises(RunError, match=f"VZ609.*{why}"):
        terms_of(spec, Batch(images), slice(0, 4), loss)


@pytest.mark.parametrize(
    ("changes", "warns"), [({}, False), ({"loss": {"use": "elbo", "free_bits": 3.0}}, True)]
)
def test_a_loss_that_combines_examples_gives_a_warning(changes, warns):
    spec = small_spec(**changes)
    images = spec.dataset.build().train.images[:16]
    warning = warning_about(spec, state_of(spec), spec.loss.build(), Batch(images), Processes(0, 2))
    assert bool(warning) is warns
    if warning:
        assert "the loss combines the examples of a batch" in warning


def test_batch_normalization_gives_a_warning():
    spec = small_spec()
    state, images = state_of(spec), spec.dataset.build().train.images[:16]
    state.model.encoder = nn.Sequential(nn.BatchNorm2d(1), state.model.encoder)
    assert state.model.posterior(to_unit(images)).mean.shape == (16, 2)
    warning = warning_about(spec, state, spec.loss.build(), Batch(images), Processes(0, 2))
    assert "batch normalization combines the examples" in str(warning)


def test_a_batch_needs_an_image_per_process():
    refuse_small_batches(Processes(1, 8), 8)
    with pytest.raises(RunError, match=r"VZ609.*8 processes cannot share a batch of 7"):
        refuse_small_batches(Processes(1, 8), 7)


@pytest.mark.parametrize(("mode", "compiled"), [("on", None), ("auto", True)])
def test_distributed_steps_are_not_compiled(mode, compiled):
    spec = small_spec()
    state, group = state_of(spec), ProcessGroup(Processes(0, 2), torch.device("cpu"))
    state.compiled = compiled
    images: Any = spec.dataset.build().train.images
    with pytest.raises(RunError, match=r"VZ609.*distributed steps are not compiled"):
        group.choose_step(spec, state, spec.loss.build(), images, mode, Observer())


class Averaging(nn.Module):
    """An encoder that keeps a mean of the images of a batch."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.average: torch.Tensor
        self.register_buffer("average", torch.zeros(()))

    def forward(self, images: torch.Tensor) -> Any:
        if self.training:
            self.average.copy_(images.mean())
        return self.encoder(images)


def test_a_buffer_that_a_batch_updates_is_reported() -> None:
    spec = small_spec()
    state = state_of(spec)
    state.model.encoder = Averaging(state.model.encoder)
    images = torch.randint(0, 256, (8, 1, 6, 6), dtype=torch.uint8)
    warning = warning_about(spec, state, spec.loss.build(), Batch(images), Processes(0, 2))
    assert "the update of encoder.average combines the examples of a batch" in str(warning)
    assert state.model.encoder.average == 0
