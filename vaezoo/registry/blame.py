"""Whatever a component raises, named with its kind, its plugin and its class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, PluginError, VaezooError
from vaezoo.registry.component import Component
from vaezoo.system.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from vaezoo.registry.registry import Registry


@contextmanager
def blamed(component: Component, doing: str, registry: Registry | None = None) -> Iterator[None]:
    """Inside, an error of the component becomes a PluginError (VZ303) that names it.

    ``doing`` is what it was asked for, such as "to load its images". Errors of vaezoo's own, and
    of memory that is short, stay what they are.
    """
    try:
        yield
    except VaezooError:
        raise
    except (Exception, SystemExit) as error:  # whatever a plugin raises
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())
        raise PluginError(
            Diagnostic(
                "VZ303",
                f"{described(component, registry)} failed {doing}: "
                f"{type(error).__name__}: {reason}",
                hint=f"the fault is in {home_of(component)}; 'vaezoo --debug …' shows where",
            )
        ) from error


def described(component: Component, registry: Registry | None = None) -> str:
    """Such as: the dataset 'faces' of the plugin people 1.2."""
    # of the class: a plugin may have a field called kind
    supplier = registry.supplier(type(component)) if registry else None
    of = f" of the plugin {supplier.plugin.label}" if supplier else ""
    return f"the {type(component).kind} {component.use!r}{of}"


def home_of(component: Component) -> str:
    """The class that a component is, with its module."""
    return f"{type(component).__module__}.{type(component).__qualname__}"
