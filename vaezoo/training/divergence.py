"""Notices when a run has diverged, and says how it came to that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images
from vaezoo.data.pixels import to_unit
from vaezoo.diagnostics import Diagnostic, DivergenceError
from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState


class DivergenceMonitor:
    """Looks at the sums of the steps of one epoch now and then.

    At each look it remembers the weights, so that the model can be looked at as it was shortly
    before it went wrong.
    """

    def __init__(self, state: TrainingState, spec: Spec) -> None:
        self._model = state.model
        self._epoch = state.epoch + 1
        self._size = spec.train.batch_size
        self._seen = 0  # steps that were finite
        self._before = self._weights()

    def look(
        self, terms: Sequence[str], sums: Sequence[Tensor], images: Images, order: Tensor
    ) -> None:
        """Raise DivergenceError (VZ603) if a step since the last look was not finite.

        ``sums`` are those of all steps so far, ``order`` is the epoch's order of ``images``.
        """
        rows = torch.stack(list(sums[self._seen :])) if len(sums) > self._seen else torch.empty(0)
        finite = rows.isfinite().flatten(1).all(1).tolist() if len(rows) else []
        if all(finite):
            self._seen = len(sums)
            self._before = self._weights()
            return
        first = finite.index(False)
        step = self._seen + first
        batch = order[step * self._size : (step + 1) * self._size]
        means = (rows[first] / len(batch)).tolist()
        listed = ", ".join(f"{n} {v:.4g}" for n, v in zip(terms, means, strict=True))
        raise diverged(
            f"the objective became {means[list(terms).index('objective')]} "
            f"in step {step + 1} of epoch {self._epoch}: {listed}; "
            f"{self._shortly_before(to_unit(images[batch]), first)}"
        )

    def _weights(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self._model.parameters()]

    def _shortly_before(self, images: Tensor, steps: int) -> str:
        """What led there: the model as it was at the last look, on the batch where it broke."""
        model = self._model
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), self._before, strict=True):
                parameter.copy_(value)
        model.zero_grad(set_to_none=True)
        posterior = model.posterior(images)
        kl = model.prior.kl(posterior.mean, posterior.log_var)
        bound = -model.log_likelihood(images, posterior.mean).mean()
        if kl is not None:
            bound = bound + kl.sum(1).mean()
        bound.backward()
        norm = math.hypot(*(p.grad.norm().item() for p in model.parameters() if p.grad is not None))
        when = f"{steps} steps before" if steps else "just before"
        return (
            f"{when}, on these images, the largest log-variance was "
            f"{posterior.log_var.max().item():.4g} and the gradient's norm {norm:.4g}"
        )


def refuse_divergence(model: VAE, record: EpochRecord) -> None:
    """Raise DivergenceError (VZ603) unless an epoch's objectives and all weights are finite.

    The weights are looked at because an epoch's last step may spoil them unseen.
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
    """What to raise, and how to go on."""
    hint = (
        "lower train.optimizer.lr, or set train.gradient_clip; "
        "the checkpoint of the epoch before is kept"
    )
    return DivergenceError(Diagnostic("VZ603", message, hint=hint))
