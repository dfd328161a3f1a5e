"""``Component``, the base class of all parts of a spec.

A component is data: its fields are its parameters in YAML, its docstring is its documentation.
Only ``build``, which creates its torch module, imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from vaezoo.registry.activation_shapes import shaping


class Component(BaseModel):
    """A part of a spec. Subclass a kind, not this: ``class Mine(Encoder, use="mine")``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,
        validate_default=True,
        allow_inf_nan=False,  # a canonical spec is JSON, which has no inf or nan
    )

    kind: ClassVar[str] = ""
    use: ClassVar[str] = ""
    _written: str = PrivateAttr(default="")
    _supplier: str = PrivateAttr(default="")

    def __init_subclass__(cls, use: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if use is not None:
            cls.use = use

    def to_spec(self) -> str | dict[str, Any]:
        """The component in the form of a spec, with every parameter."""
        parameters = self.model_dump(mode="json")
        name = self.name_in_spec
        return {"use": name, **parameters} if parameters else name

    @property
    def name_in_spec(self) -> str:
        """The name by which the spec calls it: ``name`` or ``plugin:name``."""
        return self._written or self.use

    def weights_depend_on(self) -> tuple[Any, ...] | None:
        """The values that determine the names and shapes of its weights; None without weights.

        ``vaezoo diff`` uses it to decide whether weights fit. By default every parameter except
        activations and initializers. Override it to exclude others that do not change weights.
        """
        return tuple(getattr(self, name) for name in shaping(type(self)))

    def as_written(self, name: str, supplier: str = "") -> Component:
        """Store the name that the spec used (``plugin:name`` or ``name``); return the component.

        ``supplier`` is the plugin that it comes from, for messages.
        """
        self._written, self._supplier = name, supplier
        return self

    @property
    def supplied_by(self) -> str:
        """The plugin that a spec resolved it from, with its version; empty if made otherwise."""
        return self._supplier


def components_in(value: Any) -> Iterator[Component]:
    """The components in a spec or another model, including nested ones."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from components_in(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from components_in(item)
    elif isinstance(value, dict):
        yield from components_in(tuple(value.values()))
