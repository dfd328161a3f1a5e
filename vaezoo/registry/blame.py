"""Attribute an error to the component that raised it: its kind, plugin and class (VZ303)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, PluginError, Span, VaezooError
from vaezoo.registry.component import Component
from vaezoo.system.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from vaezoo.registry.registry import Registry


@contextmanager
def blamed(component: Component, doing: str, registry: Registry | None = None) -> Iterator[None]:
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
        raise PluginError(component_failure(component, error, None, doing, registry)) from error


def component_failure(
    component: Component,
    error: BaseException,
    span: Span | None,
    doing: str = "",
    registry: Registry | None = None,
) -> Diagnostic:
    """The finding (VZ303) for an error that a component raised."""
    failed = f"failed {doing}" if doing else "failed"
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return Diagnostic(
        "VZ303",
        f"{component_label(component, registry)} {failed}: {reason}",
        span,
        hint=f"the fault is in {class_path(component)}"
        + ("; run 'vaezoo --debug …' for the traceback" if doing else ""),
    )


def component_label(component: Component, registry: Registry | None = None) -> str:
    """A component in a message: ``the dataset 'faces' of the plugin people 1.2``."""
    # the class's kind: a plugin may have a field of that name
    supplier = registry.supplier(type(component)) if registry else None
    of = f" of the plugin {supplier.plugin.label}" if supplier else ""
    return f"the {type(component).kind} {component.use!r}{of}"


def class_path(component: Component) -> str:
    """The module and name of a component's class."""
    return f"{type(component).__module__}.{type(component).__qualname__}"
