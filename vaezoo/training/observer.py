"""What a run tells whoever is watching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaezoo.registry import EpochRecord, PublishedEntry

if TYPE_CHECKING:
    import torch

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec
    from vaezoo.training.execution.choose import ExecutionPlan


class Observer:
    """Told how a run goes, in this order; does nothing. Override what you need."""

    def member(self, spec: Spec, number: int, out_of: int, *, is_done: bool) -> None:
        """The next member of a matrix is about to be run, or was finished before."""

    def together(self, members: int, reason: str | None) -> None:
        """Members of a matrix train in one job now, or one after another for that reason."""

    def loading(self, spec: Spec, device: torch.device) -> None:
        """The spec is checked; its data are about to be loaded."""

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        """Training begins, or goes on after ``epochs_done`` epochs, over ``images`` an epoch."""

    def compiling(self) -> None:
        """The training step is about to be compiled, which takes seconds."""

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        """The steps are about to begin, by this road."""

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        """``images`` of epoch ``epoch`` are done; running means over them, nats per example."""

    def finished_epoch(self, record: EpochRecord) -> None:
        """An epoch and its validation are done; stopped now, the run goes on after it."""

    def evaluating(self, what: str, examples: int) -> None:
        """Figures are about to be taken: ``what`` names them, over ``examples`` in all."""

    def evaluated(self, examples: int) -> None:
        """So many more examples are dealt with."""

    def drawing(self, picture: str) -> None:
        """A picture is about to be drawn."""

    def warned(self, message: str) -> None:
        """Something went wrong that does not stop the run, such as a plugin's hook."""

    def finished(self, entry: PublishedEntry) -> None:
        """The entry is published."""
