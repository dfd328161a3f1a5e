"""Labels as inputs of encoders, decoders and priors (Sohn, Lee and Yan 2015)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaezoo.model.trace import repeated
from vaezoo.registry.module_contracts import Condition

if TYPE_CHECKING:
    from vaezoo.model.distribution import LatentDistribution
    from vaezoo.registry.module_contracts import ConditionalPriorModule

#: Names or numbers of classes: one for each example, or one for all.
Labels = Tensor | Sequence[int | str] | int | str
#: The label of an unknown class.
UNKNOWN = -1


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """The code of labels (B,): float32 (B, classes), all zeros for an unknown class."""
    # not F.one_hot, which refuses −1 and whose checks cannot be captured in a graph
    return (labels.unsqueeze(1) == torch.arange(classes, device=labels.device)).float()


class WithOneHot(nn.Module):
    """A module of (B, C, …) that gets ``classes`` more channels: the one-hot code of each label.

    The code is constant over further axes. Its norm is 1, however many values it covers: as 784
    ones, it would outweigh an image of 28 × 28 pixels, and each step of Adam would move a layer
    784 times as far along it as along a pixel.
    """

    def __init__(self, module: nn.Module, classes: int) -> None:
        super().__init__()
        self.module = module
        self.classes = classes

    def forward(self, values: Tensor, labels: Tensor) -> Tensor:
        """The module's output for (B, C + classes, …)."""
        covered = values.shape[2:]
        code = one_hot(labels, self.classes).to(values.dtype) / math.sqrt(math.prod(covered))
        code = code[(..., *[None] * (values.ndim - 2))].expand(-1, -1, *covered)
        output: Tensor = self.module(torch.cat([values, code], 1))
        return output


class LabelledPrior(nn.Module):
    """A conditional prior. Without labels, it is the prior of an unknown class."""

    def __init__(self, module: ConditionalPriorModule) -> None:
        super().__init__()
        self.module = module

    def given(self, labels: Tensor) -> PriorGivenLabels:
        """p(z|y) of labels (B,)."""
        return PriorGivenLabels(self.module, labels)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.module.log_prob(z, unknown(len(z), z.device))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.module.sample(count, generator, unknown(count, generator.device))

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        mean = posterior.mean
        return self.module.kl(posterior, unknown(len(mean), mean.device))


@dataclass(frozen=True)
class PriorGivenLabels:
    """p(z|y) of labels (B,). Of K·B draws, the first of all examples comes first."""

    module: ConditionalPriorModule
    labels: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        return self.module.log_prob(z, self._rows(len(z)))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.module.sample(count, generator, self._rows(count))

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        return self.module.kl(posterior, self._rows(len(posterior.mean)))

    def _rows(self, count: int) -> Tensor:
        return repeated(self.labels, count // len(self.labels))


def unknown(count: int, device: torch.device) -> Tensor:
    """The labels of examples of unknown classes: (count,)."""
    return torch.full((count,), UNKNOWN, device=device)


def labels_in_turn(condition: Condition, count: int, device: torch.device) -> Tensor:
    """The label of each class in turn: (count,)."""
    return torch.arange(count, device=device) % condition.size


def as_labels(given: Any, condition: Condition, count: int, device: torch.device) -> Tensor:
    """Names or numbers as labels: int64 (count,). One name or number stands for all examples.

    Raises ValueError for a class that does not exist and for another number of labels.
    """
    if isinstance(given, str | int):
        given = [given] * count
    if isinstance(given, Sequence):
        given = [condition.number(one) if isinstance(one, str) else one for one in given]
    labels = torch.as_tensor(given, device=device)
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels are {labels.dtype}, expected names or integers")
    labels = labels.long()
    if labels.shape != (count,):
        raise ValueError(f"labels have shape {tuple(labels.shape)}, expected ({count},)")
    if count and not UNKNOWN <= int(labels.min()) <= int(labels.max()) < condition.size:
        raise ValueError(
            f"labels are from {int(labels.min())} to {int(labels.max())}, expected from 0 to "
            f"{condition.size - 1}, or {UNKNOWN} for an unknown class"
        )
    return labels
