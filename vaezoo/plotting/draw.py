"""Draw a spec's visualizers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from vaezoo.diagnostics import VaezooError
from vaezoo.registry import EncodedPicture, EvaluationContext, Visualizer
from vaezoo.registry.discovery.isolation import cause_of
from vaezoo.registry.run_notes import picture_failed

#: The environment variable with matplotlib's backend.
_VARIABLE = "MPLBACKEND"


@dataclass
class Drawn:
    """The pictures by file name, and the errors of those that failed by name."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """A sentence about each picture that failed."""
        return [picture_failed(name, _cause(why)) for name, why in self.failures.items()]


def draw(
    visualizers: Sequence[Visualizer], context: EvaluationContext, announce: Callable[[str], object]
) -> Drawn:
    """Draw each picture under its visualizer's name; the second with a name is ``name-2``.

    Calls ``announce`` with each name before drawing. Errors of a visualizer are stored, so that
    they do not affect other pictures or the model.
    """
    drawn = Drawn()
    with own_backend():
        for visualizer in visualizers:
            stems = {file.rpartition(".")[0] for file in drawn.pictures}
            name = _free_name(visualizer.use, {*stems, *drawn.failures})
            announce(name)
            try:
                picture = _picture(visualizer, context)
                drawn.pictures[f"{name}.{picture.format}"] = picture.content
            except (Exception, SystemExit, GeneratorExit) as error:
                drawn.failures[name] = error
    return drawn


@contextmanager
def own_backend() -> Iterator[None]:
    """Use matplotlib's Agg backend inside the context, regardless of the user's choice.

    Jupyter sets its own backend for the commands that it starts, which may not have it.
    """
    wanted = os.environ.pop(_VARIABLE, None)
    try:
        is_new = "matplotlib" not in sys.modules
        import matplotlib

        settings = matplotlib.rcParams
        if is_new and wanted:  # keep the user's choice for their own figures
            with suppress(ValueError):
                settings["backend"] = wanted
        # bypass matplotlib's getter, which would select a backend permanently
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


def _picture(visualizer: Visualizer, context: EvaluationContext) -> EncodedPicture:
    from matplotlib.figure import Figure

    from vaezoo.plotting.png import png  # imports matplotlib, which training does not need

    made: object = visualizer.draw(context)
    if isinstance(made, EncodedPicture):
        return made
    if isinstance(made, Figure):
        return EncodedPicture(png(made), "png")
    raise TypeError(
        f"draw returned {made!r:.80}, neither a matplotlib figure nor a vaezoo.EncodedPicture"
    )


def _cause(error: BaseException) -> str:
    if isinstance(error, VaezooError):
        return error.diagnostics[0].message
    return cause_of(error)


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (name, *numbered) if candidate not in taken)
