"""Attribute an error to the component that raised it: its kind, plugin and class (VZ303)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from traceback import walk_tb

from vaezoo.diagnostics import Diagnostic, PluginError, Span, VaezooError
from vaezoo.registry.component import Component
from vaezoo.system.out_of_memory import is_out_of_memory


@contextmanager
def blamed(component: Component, doing: str) -> Iterator[None]:
    """Turn an error of the component into a PluginError (VZ303) that names it.

    ``doing`` is what failed, such as "to load its images". vaezoo's own errors and out-of-memory
    errors pass unchanged.
    """
    try:
        yield
    except VaezooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        if is_out_of_memory(error):
            raise
        raise PluginError(component_failure(component, error, None, doing)) from error


@contextmanager
def attributed(components: Iterable[Component], doing: str) -> Iterator[None]:
    """Turn an error raised in the package of a component into a PluginError (VZ303) that names it.

    For code that calls many components. Other errors, vaezoo's own and out-of-memory errors pass
    unchanged.
    """
    try:
        yield
    except VaezooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        found = None if is_out_of_memory(error) else _raised_by(error, list(components))
        if found is None:
            raise
        suspects, place = found
        names = " or ".join(component_label(suspect) for suspect in suspects)
        raise PluginError(
            Diagnostic(
                "VZ303",
                f"{names} failed {doing}: {_reason(error)}",
                hint=f"the fault is in {place}; run 'vaezoo --debug …' for the traceback",
            )
        ) from error


def _raised_by(
    error: BaseException, components: list[Component]
) -> tuple[list[Component], str] | None:
    """The components whose package raised the error, and the file and line; None if none did.

    An error in this package is a fault of vaezoo, so its components are not suspects.
    """
    others = [one for one in components if _root(type(one).__module__) != _root(__name__)]
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", ""))
        suspects = [one for one in others if _root(type(one).__module__) == _root(module)]
        exact = [one for one in suspects if type(one).__module__ == module]
        if suspects:
            return exact if len(exact) == 1 else suspects, f"{frame.f_code.co_filename}:{line}"
    return None


def _root(module: str) -> str:
    return module.partition(".")[0]


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def component_failure(
    component: Component, error: BaseException, span: Span | None, doing: str = ""
) -> Diagnostic:
    """The finding (VZ303) for an error that a component raised."""
    failed = f"failed {doing}" if doing else "failed"
    return Diagnostic(
        "VZ303",
        f"{component_label(component)} {failed}: {_reason(error)}",
        span,
        hint=f"the fault is in {class_path(component)}"
        + ("; run 'vaezoo --debug …' for the traceback" if doing else ""),
    )


def component_label(component: Component) -> str:
    """A component in a message: ``the dataset 'faces' of the plugin people 1.2``."""
    # the class's kind: a plugin may have a field of that name
    of = f" of the plugin {component.supplied_by}" if component.supplied_by else ""
    return f"the {type(component).kind} {component.use!r}{of}"


def class_path(component: Component) -> str:
    """The module and name of a component's class."""
    return f"{type(component).__module__}.{type(component).__qualname__}"
