"""Call a component as training does, and report what is wrong with its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic, VaezooError
from vaezoo.registry import Component
from vaezoo.registry.blame import class_path, component_failure, component_label
from vaezoo.spec.nodes import Path
from vaezoo.spec.positions import Positions
from vaezoo.system.out_of_memory import is_out_of_memory

#: Errors that mismatched shapes raise; any other error is a bug in the component.
_SHAPE_ERRORS = (RuntimeError, ValueError, IndexError, AssertionError)


@dataclass(frozen=True)
class Trial:
    """A component at ``path``; ``run`` calls it and yields problems."""

    component: Component
    path: Path
    run: Callable[[], Iterator[str]]
    is_reported: bool = False


def trial_findings(
    trial: Trial,
    places: Positions,
    problems: Callable[[Trial], list[str]] = lambda trial: list(trial.run()),
) -> list[Diagnostic]:
    """The findings of a trial: VZ401 for a wrong result, VZ303 for another failure."""
    part, span = trial.component, places.of(*trial.path)
    try:
        found = problems(trial)
    except VaezooError as error:
        return list(error.diagnostics)
    except _SHAPE_ERRORS as error:
        if is_out_of_memory(error):
            raise
        found = [f"it fails: {' '.join(str(error).split())}"]
    except (Exception, SystemExit) as error:  # a plugin's bug must not stop validation
        if is_out_of_memory(error):
            raise
        return [component_failure(part, error, span)]
    name = component_label(part)
    hint = f"see its contract in docs/plugins.md; the code is in {class_path(part)}"
    return [Diagnostic("VZ401", f"{name}: {problem}", span, hint=hint) for problem in found]


def tensor_problems(
    name: str, made: Any, expected: tuple[int, ...], form: str, dtype: torch.dtype | None = None
) -> Iterator[str]:
    """Why ``made`` is not a tensor of this shape and type, in words."""
    if not isinstance(made, Tensor):
        yield f"{name} is {kind_of(made)}, not a tensor {form}"
    elif tuple(made.shape) != expected:
        found, wanted = (", ".join(map(str, sizes)) for sizes in (made.shape, expected))
        yield f"{name} has the shape ({found}), expected {form} = ({wanted})"
    elif dtype is not None and made.dtype != dtype:
        yield f"{name} is {_short(made.dtype)}, expected {_short(dtype)}"


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    if value is None:
        return "None"
    return "one tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
