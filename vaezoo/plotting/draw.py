"""Pictures of a trained model: a spec's visualizers, each to the bytes of a PNG."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from vaezoo.diagnostics import VaezooError
from vaezoo.registry import EvaluationContext, Visualizer
from vaezoo.registry.discovery.isolation import cause_of

#: The environment's variable that names matplotlib's backend.
_VARIABLE = "MPLBACKEND"
_FAILURE = re.compile(r"the picture \S+ was not drawn: ")


@dataclass
class Drawn:
    """The pictures that were drawn, by name, and what the others failed by."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """A sentence on each picture that failed."""
        return [
            f"the picture {name} was not drawn: {_cause(why)}"  # as _FAILURE has it
            for name, why in self.failures.items()
        ]


def of_failures(notes: Sequence[str]) -> list[str]:
    """Those of an entry's notes that tell of a picture that was not drawn."""
    return [note for note in notes if _FAILURE.match(note)]


def draw(
    visualizers: Sequence[Visualizer], context: EvaluationContext, announce: Callable[[str], object]
) -> Drawn:
    """Each picture under its visualizer's name; a second one of a kind is called ``name-2``.

    ``announce`` is called with each name before it is drawn. Whatever a visualizer raises keeps
    no other picture, and no model, from being had.
    """
    drawn = Drawn()
    with own_backend():
        for visualizer in visualizers:
            name = _free_name(visualizer.use, {*drawn.pictures, *drawn.failures})
            announce(name)
            try:
                drawn.pictures[name] = _picture(visualizer, context)
            except (Exception, SystemExit, GeneratorExit) as error:
                drawn.failures[name] = error
    return drawn


@contextmanager
def own_backend() -> Iterator[None]:
    """Within, matplotlib draws to memory, whatever backend the environment or a notebook chose.

    Jupyter names its own one to the commands that it starts, which may not have it.
    """
    wanted = os.environ.pop(_VARIABLE, None)
    try:
        is_new = "matplotlib" not in sys.modules
        import matplotlib

        settings = matplotlib.rcParams
        if is_new and wanted:  # the user's own figures are to have it, if there is such a one
            with suppress(ValueError):
                settings["backend"] = wanted
        # read as it is: asking matplotlib would choose one, for this process and for good
        chosen = dict.__getitem__(settings, "backend")
        settings["backend"] = os.environ[_VARIABLE] = "agg"
        try:
            yield
        finally:
            dict.__setitem__(settings, "backend", chosen)
    finally:
        os.environ.pop(_VARIABLE, None)
        if wanted is not None:
            os.environ[_VARIABLE] = wanted


def _picture(visualizer: Visualizer, context: EvaluationContext) -> bytes:
    from vaezoo.plotting.png import png  # and matplotlib, for which no training need wait

    return png(visualizer.draw(context))


def _cause(error: BaseException) -> str:
    if isinstance(error, VaezooError):
        return error.diagnostics[0].message
    return cause_of(error)


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (name, *numbered) if candidate not in taken)
