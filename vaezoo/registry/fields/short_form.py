"""A mapping that may be written as the value of its main key: ``0.999`` for ``{decay: 0.999}``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, PlainSerializer, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError, PydanticKnownError

from vaezoo.registry.fields.tagged import parse


class ShortForm:
    """Validates null, a mapping, or ``value`` as short for ``{main: value}``."""

    def __init__(self, model: type[BaseModel], main: str) -> None:
        self.model = model
        self.main = main

    def __call__(self, value: Any) -> BaseModel | None:
        if value is None or isinstance(value, self.model):
            return value
        if isinstance(value, dict):
            return parse(self.model, value)
        try:
            return parse(self.model, {self.main: value})
        except ValidationError as error:
            raise _at_the_value(error) from None

    def written(self, value: BaseModel | None) -> Any:
        """The value in the form of a spec: short if only the main key differs from its default."""
        if value is None:
            return None
        data = value.model_dump(mode="json")
        fields = type(value).model_fields
        given = {
            name: v for name, v in data.items() if getattr(value, name) != fields[name].default
        }
        return given[self.main] if list(given) == [self.main] else given


def short_form(model: type[BaseModel], main: str) -> tuple[PlainValidator, PlainSerializer]:
    """The annotations of such a field: ``Annotated[EMA | None, *short_form(EMA, "decay")]``."""
    form = ShortForm(model, main)
    return PlainValidator(form), PlainSerializer(form.written)


def _at_the_value(error: ValidationError) -> Exception:
    """The first error, without the main key, which the spec does not contain."""
    first = error.errors(include_url=False)[0]
    context = first.get("ctx") or {}
    try:
        return PydanticKnownError(first["type"], context or None)  # type: ignore[arg-type]
    except KeyError:
        return PydanticCustomError(first["type"], first["msg"], context)
