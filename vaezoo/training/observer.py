"""Callbacks for the progress of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaezoo.registry import EpochRecord, PublishedEntry

if TYPE_CHECKING:
    import torch

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec
    from vaezoo.training.execution.choose_step import ExecutionPlan


class Observer:
    """Callbacks of a run, in the order of the calls. Override what you need."""

    def member(self, spec: Spec, number: int, out_of: int, *, is_done: bool) -> None:
        """The next member of a matrix starts, or was already finished."""

    def together(self, members: int, reason: str | None) -> None:
        """Members of a matrix train together, or one after another for a reason."""

    def loading(self, spec: Spec, device: torch.device) -> None:
        """The spec is checked; loading the data starts."""

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        """Training starts, or resumes after ``epochs_done`` epochs, with ``images`` per epoch."""

    def compiling(self) -> None:
        """Compiling the training step starts; it takes seconds."""

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        """The execution of steps is chosen; the first step follows."""

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        """``images`` of the epoch are done; ``means`` are running means, nats per example."""

    def finished_epoch(self, record: EpochRecord) -> None:
        """An epoch and its validation are done; a run stopped now resumes after it."""

    def fitting(self, sampler: str, images: int) -> None:
        """Fitting the sampler to the latents of ``images`` training images starts."""

    def evaluating(self, what: str, examples: int) -> None:
        """Evaluation of ``what`` starts, over ``examples`` in total."""

    def evaluated(self, examples: int) -> None:
        """``examples`` more are evaluated."""

    def drawing(self, picture: str) -> None:
        """Drawing a picture starts."""

    def warned(self, message: str) -> None:
        """Something failed that does not stop the run, such as a plugin's hook."""

    def finished(self, entry: PublishedEntry) -> None:
        """The entry is published."""
