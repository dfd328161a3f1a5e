"""Checks of components of every kind."""

from __future__ import annotations

import inspect
import json
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from typing import Any, ClassVar

from pydantic import ValidationError

from vaezoo.registry import Component, Registry, discover
from vaezoo.registry.declaration import declaration_problem
from vaezoo.registry.discovery import THIRD_PARTY
from vaezoo.registry.fields.tagged import parse
from vaezoo.testing.conformance.import_cost import AT_IMPORT, BUDGET_SECONDS, Cost, import_cost
from vaezoo.testing.conformance.kit import Conformance
from vaezoo.testing.conformance.outcome import NotApplicable, optional, require

#: Keys of a JSON Schema that bound a number.
_BOUNDS = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "enum", "const"}


class ComponentConformance(Conformance):
    """Checks of one component. Subclass the class of its kind, not this one.

    Set ``component`` to an instance with the parameters to check.
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
        """The class has its own docstring, and every field a description."""
        component = self._class
        require(
            (vars(component).get("__doc__") or "").strip(),
            f"{component.__name__} has no docstring; describe it in one line",
        )
        silent = [n for n, field in component.model_fields.items() if not field.description]
        require(
            not silent,
            f"no description of {', '.join(silent)}; use Field(…, description='…')",
        )

    def test_schema(self) -> None:
        """The parameters have a JSON Schema, for editors and ``validate``."""
        schema = self._class.model_json_schema()
        json.dumps(schema)
        listed = set(schema.get("properties", {}))
        require(
            listed == set(self._class.model_fields),
            f"the schema lists {sorted(listed)}, the fields are "
            f"{sorted(self._class.model_fields)}; give fields no aliases",
        )

    def test_parameters_survive_yaml(self) -> None:
        """A component written to a spec and read back is equal."""
        written = self.component.to_spec()
        parameters = {} if isinstance(written, str) else dict(written)
        parameters.pop("use", None)
        try:
            again = parse(self._class, json.loads(json.dumps(parameters)))
        except ValidationError as error:
            require(False, f"{json.dumps(parameters)} is written but cannot be read: {error}")
            return
        require(again == self.component, f"{self.component!r} is read back as {again!r}")

    def test_only_known_parameters(self) -> None:
        """Unknown parameters are rejected, and the component is immutable."""
        config = self._class.model_config
        require(
            config.get("extra") == "forbid" and config.get("frozen"),
            "the component's model_config must keep extra='forbid' and frozen=True",
        )

    def test_declaration(self) -> None:
        """No method stands in the place of a value, and nested models refuse unknown keys."""
        problem = declaration_problem(self._class)
        require(problem is None, str(problem))

    @optional
    def test_ranges(self) -> None:
        """Every number has a range, so that ``validate`` finds wrong ones."""
        schema = self._class.model_json_schema()
        free = [
            name
            for name, field in schema.get("properties", {}).items()
            if field.get("type") in ("integer", "number") and not _BOUNDS & field.keys()
        ]
        require(not free, f"no range of {', '.join(free)}; use Field(…, ge=…)")

    @optional
    def test_name(self) -> None:
        """Its name is not that of a component of vaezoo, which a bare name in a spec means."""
        own = discover(disabled=[THIRD_PARTY]).components(self.kind)
        taken = [one.component for one in own if one.component.use == self._class.use]
        require(
            not taken or self._class in taken,
            f"vaezoo has a {self.kind} {self._class.use!r}; specs must write it with its plugin, "
            f"as 'plugin:{self._class.use}'",
        )

    def test_import_budget(self) -> None:
        """Importing its plugin takes less than 50 ms. Neither the import nor ``validate`` imports
        torch, torchvision, numpy or matplotlib."""
        if self._class.__module__ in (type(self).__module__, "__main__"):
            raise NotApplicable("the component is defined in a test, not a plugin")
        homes = self._entry_points()
        reference = homes[0].module if homes else reference_to(self._class.__module__)
        require_cheap(import_cost(reference), f"{self.kind} {self._class.use}")

    def test_entry_point(self) -> None:
        """An installed plugin provides it through the entry-point group ``vaezoo``."""
        installed = self._entry_points()
        if not installed:
            raise NotApplicable("it is a file, or a module that no installed plugin names")
        registry = discover()
        broken = {p.name: p.error for p in registry.plugins if p.error}
        for entry_point in installed:
            error = broken.get(entry_point.name)
            require(not error, f"the plugin {entry_point.name} is broken: {error}")
        require(
            any(r.component is self._class for r in registry.components(self.kind)),
            f"no vaezoo_components hook returns {self._class.__name__}",
        )

    @property
    def _class(self) -> type[Component]:
        return type(self.component)

    def _entry_points(self) -> list[metadata.EntryPoint]:
        """The entry points in the package of the component."""
        package = self._class.__module__.partition(".")[0]
        every = metadata.entry_points(group="vaezoo")
        return [point for point in every if point.module.partition(".")[0] == package]


def require_cheap(cost: Cost, component: str = "") -> None:
    """Raise Nonconforming if the plugin, or its component, is slow or imports heavy libraries."""
    __tracebackhide__ = True
    require(not cost.error, f"it fails in a fresh Python: {cost.error}")
    heavy = [*cost.heavy.get(AT_IMPORT, ()), *cost.heavy.get(component, ())]
    require(
        not heavy, f"it imports {', '.join(heavy)}; import it only inside build, compute or draw"
    )
    require(
        cost.seconds < BUDGET_SECONDS,
        f"importing it takes {1e3 * cost.seconds:.0f} ms of CPU time, "
        f"more than {1e3 * BUDGET_SECONDS:.0f}",
    )


def reference_to(module: str) -> str:
    """How a fresh Python imports the module: its name, or the file of a single-file plugin."""
    if PathFinder.find_spec(module.partition(".")[0]) is None:
        return str(inspect.getfile(sys.modules[module]))
    return module


def default_of(component: type[Component], registry: Registry) -> Component:
    """The component with its defaults; a required field gets the first of its ``examples``.

    Raises NotApplicable if a required field has no example.
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
            f"{', '.join(lacking)} must be given: add an example with Field(examples=[…])"
        )
    return parse(component, parameters, {"registry": registry})
