"""Detect divergence and report what preceded it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images, batch_of
from vaezoo.data.pixels import as_unit
from vaezoo.diagnostics import Diagnostic, DivergenceError
from vaezoo.model import VAE
from vaezoo.registry import Batch, EpochRecord
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState


class DivergenceMonitor:
    """Checks the term sums of an epoch's steps from time to time.

    Each check keeps a copy of the weights, to evaluate the model as it was shortly before it
    diverged.
    """

    def __init__(self, state: TrainingState, spec: Spec) -> None:
        self._model = state.model
        self._epoch = state.epoch + 1
        self._batch_size = spec.train.batch_size
        self._checked = 0  # steps with finite sums
        self._last_weights = self._weights()

    def check(
        self, terms: Sequence[str], sums: Sequence[Tensor], images: Images, order: Tensor
    ) -> None:
        """Raise DivergenceError (VZ603) if a step since the last check was not finite.

        ``sums`` holds the sums of all steps so far; ``order`` is the epoch's order of ``images``.
        """
        rows = (
            torch.stack(list(sums[self._checked :]))
            if len(sums) > self._checked
            else torch.empty(0)
        )
        finite = rows.isfinite().flatten(1).all(1).tolist() if len(rows) else []
        if all(finite):
            self._checked = len(sums)
            self._last_weights = self._weights()
            return
        first = finite.index(False)
        step = self._checked + first
        batch = order[step * self._batch_size : (step + 1) * self._batch_size]
        means = (rows[first] / len(batch)).tolist()
        listed = ", ".join(f"{n} {v:.4g}" for n, v in zip(terms, means, strict=True))
        raise diverged(
            f"the objective became {means[list(terms).index('objective')]} "
            f"in step {step + 1} of epoch {self._epoch}: {listed}; "
            f"{self._before_divergence(batch_of(images, batch), first)}"
        )

    def _weights(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self._model.parameters()]

    def _before_divergence(self, batch: Batch, steps: int) -> str:
        """Posterior and gradient of the last checked model on the batch that diverged.

        Its images are as stored.
        """
        model = self._model
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), self._last_weights, strict=True):
                parameter.copy_(value)
        model.zero_grad(set_to_none=True)
        trace = model.trace(as_unit(batch), torch.Generator(model.device).manual_seed(0))
        (trace.reconstruction + trace.kl).mean().backward()
        norm = math.hypot(*(p.grad.norm().item() for p in model.parameters() if p.grad is not None))
        when = f"{steps} steps before" if steps else "just before"
        found = {name: v for site in trace.sites for name, v in site.posterior.extremes().items()}
        found["the gradient norm was"] = norm
        listed = " and ".join(f"{name} {value:.4g}" for name, value in found.items())
        return f"{when}, {listed}"


def refuse_divergence(model: VAE, record: EpochRecord) -> None:
    """Raise DivergenceError (VZ603) unless an epoch's objectives and all weights are finite.

    The last step of an epoch may make the weights infinite after a finite objective.
    """
    found: tuple[tuple[str, Mapping[str, float]], ...] = (
        ("objective", record.train),
        ("validation objective", record.validation or {}),
    )
    for what, terms in found:
        value = terms.get("objective", 0.0)
        if not math.isfinite(value):
            listed = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
            raise diverged(f"the {what} became {value} in epoch {record.epoch}: {listed}")
    finite = torch.stack([parameter.isfinite().all() for parameter in model.parameters()])
    if not finite.all().item():
        raise diverged(f"weights became infinite or NaN in the last step of epoch {record.epoch}")


def diverged(message: str) -> DivergenceError:
    """The error to raise (VZ603)."""
    hint = (
        "lower train.optimizer.lr, or set train.gradient_clip; "
        "the checkpoint of the previous epoch is kept"
    )
    return DivergenceError(Diagnostic("VZ603", message, hint=hint))
