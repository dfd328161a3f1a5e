"""Weights of a trained model that another model starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.model.vae import PARTS, VAE

#: Differences listed in a message.
_LISTED = 8


@dataclass(frozen=True)
class StartingWeights:
    """The weights of the model ``name``, to load ``parts`` from: keys of ``PARTS``.

    ``digest`` is that of all its tensors, ``dataset`` the ``use`` and ``digest`` of the data that
    trained them.
    """

    name: str
    digest: str
    tensors: Mapping[str, Tensor]
    parts: Sequence[str]
    dataset: tuple[str, str] = ("", "")

    def for_lock(self) -> dict[str, Any]:
        """What an entry's lock records."""
        return {"name": self.name, "digest": self.digest, "parts": list(self.parts)}

    def load_into(self, model: VAE) -> None:
        """Copy the parts' weights into the model.

        Raises SpecError (VZ402) where their names or shapes differ.
        """
        target = model.state_dict()
        differences = list(self._differences(target))
        if differences:
            raise SpecError(self._do_not_fit(differences))
        with torch.no_grad():
            for name, value in target.items():
                if self._is_loaded(name):
                    value.copy_(self.tensors[name])

    def _is_loaded(self, name: str) -> bool:
        return name.partition(".")[0] in {PARTS[part] for part in self.parts}

    def _differences(self, target: Mapping[str, Tensor]) -> Iterator[str]:
        for name in sorted({*target, *self.tensors}):
            if not self._is_loaded(name):
                continue
            own, given = target.get(name), self.tensors.get(name)
            if own is None:
                yield f"{name} is only in {self.name}"
            elif given is None:
                yield f"{name} is not in {self.name}"
            elif own.shape != given.shape:
                yield f"{name} is {_shape(given)} in {self.name}, and {_shape(own)} in this model"

    def _do_not_fit(self, differences: Sequence[str]) -> Diagnostic:
        more = len(differences) - _LISTED
        listed = "; ".join(differences[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
        keys = {attribute: part for part, attribute in PARTS.items()}
        wrong = {keys[difference.partition(".")[0]] for difference in differences}
        fitting = [part for part in self.parts if part not in wrong]
        hint = "use a model with the same parts"
        if fitting:
            hint += (
                f", or load those that fit: start_from: {{entry: {self.name}, "
                f"parts: [{', '.join(fitting)}]}}"
            )
        message = f"the weights of {self.name} do not fit this model: {listed}"
        return Diagnostic("VZ402", message, hint=hint)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"
