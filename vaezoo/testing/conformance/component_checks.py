"""What holds for a component of any kind."""

from __future__ import annotations

import inspect
import json
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from typing import Any, ClassVar

from pydantic import ValidationError

from vaezoo.registry import Component, Registry, discover
from vaezoo.registry.fields.tagged import parse
from vaezoo.testing.conformance.import_cost import AT_IMPORT, BUDGET_SECONDS, Cost, import_cost
from vaezoo.testing.conformance.kit import Conformance
from vaezoo.testing.conformance.outcome import NotApplicable, require


class ComponentConformance(Conformance):
    """Checks of one component. Subclass a kind's class, not this one.

    Set ``component`` to an instance: the one whose parameters the checks are made with.
    """

    kind: ClassVar[str] = ""
    component: Component

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        component: object = vars(cls).get("component")
        is_of_kind = isinstance(component, Component) and component.kind == cls.kind
        if component is not None and not is_of_kind:
            raise TypeError(
                f"{cls.__name__}.component is {component!r}; set it to a component of the kind "
                f"{cls.kind}, such as component = Mine()"
            )

    def test_documentation(self) -> None:
        """The class has a docstring of its own, and every field a description."""
        component = self._class
        require(
            (vars(component).get("__doc__") or "").strip(),
            f"{component.__name__} has no docstring; say in a line what it is",
        )
        silent = [n for n, field in component.model_fields.items() if not field.description]
        require(
            not silent,
            f"no description of {', '.join(silent)}; write Field(…, description='…')",
        )

    def test_schema(self) -> None:
        """The parameters have a JSON Schema, so that editors and ``validate`` know them."""
        schema = self._class.model_json_schema()
        json.dumps(schema)
        listed = set(schema.get("properties", {}))
        require(
            listed == set(self._class.model_fields),
            f"the schema lists {sorted(listed)}, the fields are "
            f"{sorted(self._class.model_fields)}; give fields no aliases",
        )

    def test_parameters_survive_yaml(self) -> None:
        """Written as a spec and read again, the component is the same."""
        written = self.component.to_spec()
        parameters = {} if isinstance(written, str) else dict(written)
        parameters.pop("use", None)
        try:
            again = parse(self._class, json.loads(json.dumps(parameters)))
        except ValidationError as error:
            require(False, f"{json.dumps(parameters)} is written but not read: {error}")
            return
        require(again == self.component, f"{self.component!r} comes back as {again!r}")

    def test_only_known_parameters(self) -> None:
        """A parameter that does not exist is refused, and the component cannot be changed."""
        config = self._class.model_config
        require(
            config.get("extra") == "forbid" and config.get("frozen"),
            "the component's model_config must keep extra='forbid' and frozen=True",
        )

    def test_import_budget(self) -> None:
        """Importing its plugin takes under 50 ms, and neither that nor the cheap questions
        that ``validate`` asks import torch, torchvision, numpy or matplotlib."""
        if self._class.__module__ in (type(self).__module__, "__main__"):
            raise NotApplicable("the component is defined in a test, not in a plugin")
        homes = self._entry_points()
        reference = homes[0].module if homes else reference_to(self._class.__module__)
        require_cheap(import_cost(reference), f"{self.kind} {self._class.use}")

    def test_entry_point(self) -> None:
        """An installed plugin supplies it through the entry-point group ``vaezoo``."""
        installed = self._entry_points()
        if not installed:
            package = self._class.__module__.partition(".")[0]
            raise NotApplicable(f"no installed plugin has its entry point in {package}")
        registry = discover()
        broken = {p.name: p.error for p in registry.plugins if p.error}
        for entry_point in installed:
            error = broken.get(entry_point.name)
            require(not error, f"the plugin {entry_point.name} is broken: {error}")
        require(
            any(r.component is self._class for r in registry.components(self.kind)),
            f"no vaezoo_components hook gives {self._class.__name__}",
        )

    @property
    def _class(self) -> type[Component]:
        return type(self.component)

    def _entry_points(self) -> list[metadata.EntryPoint]:
        """The entry points in the package that the component is from."""
        package = self._class.__module__.partition(".")[0]
        every = metadata.entry_points(group="vaezoo")
        return [point for point in every if point.module.partition(".")[0] == package]


def require_cheap(cost: Cost, component: str = "") -> None:
    """Raise Nonconforming where a plugin, or the component of it, costs what it must not."""
    __tracebackhide__ = True
    require(not cost.error, f"in a fresh Python it fails: {cost.error}")
    heavy = [*cost.heavy.get(AT_IMPORT, ()), *cost.heavy.get(component, ())]
    require(
        not heavy, f"it imports {', '.join(heavy)}; import it inside build, compute or draw only"
    )
    require(
        cost.seconds < BUDGET_SECONDS,
        f"importing it takes {1e3 * cost.seconds:.0f} ms of CPU time, "
        f"more than {1e3 * BUDGET_SECONDS:.0f}",
    )


def reference_to(module: str) -> str:
    """What finds the module in a fresh Python: its name, or the file of a single-file plugin."""
    if PathFinder.find_spec(module.partition(".")[0]) is None:
        return str(inspect.getfile(sys.modules[module]))
    return module


def default_of(component: type[Component], registry: Registry) -> Component:
    """The component with its defaults; a required field takes its first ``examples``.

    Raises NotApplicable where a required field has no example.
    """
    parameters: dict[str, Any] = {}
    lacking = []
    for name, field in component.model_fields.items():
        if field.is_required() and field.examples:
            parameters[name] = field.examples[0]
        elif field.is_required():
            lacking.append(name)
    if lacking:
        raise NotApplicable(
            f"{', '.join(lacking)} must be given: name a value, as in Field(examples=[…])"
        )
    return parse(component, parameters, {"registry": registry})
