"""The plugin contract in Markdown: kinds, interfaces, data and hooks, from their docstrings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from functools import cached_property
from typing import Any

from vaezoo.model import VAE, Inference, LatentDistribution, Site, Trace
from vaezoo.registry import (
    KINDS,
    Component,
    contracts,
    hookspecs,
    module_contracts,
    quantity,
    self_description,
)
from vaezoo.registry.catalogue.spec_keys import PLACES
from vaezoo.zoo.entry import Entry

#: Protocols of PyTorch modules, the objects that they receive and return, then plain data.
INTERFACES = (
    module_contracts.PosteriorModule,
    module_contracts.TopologyModule,
    module_contracts.LikelihoodModule,
    module_contracts.PriorModule,
    module_contracts.BoundPrior,
    module_contracts.LossModule,
    module_contracts.SamplerModule,
    module_contracts.BoundSampler,
    module_contracts.InitializedByData,
)
OBJECTS = (LatentDistribution, Trace, Site, VAE, Entry, contracts.TrainingImages)
DATA = (
    contracts.ImageShape,
    module_contracts.LatentSpace,
    contracts.Batch,
    Inference,
    contracts.Split,
    contracts.ImageData,
    contracts.DataFacts,
    contracts.Figure,
    quantity.Quantity,
    quantity.Definition,
    contracts.EvaluationContext,
    contracts.EncodedPicture,
    contracts.EpochRecord,
    contracts.RunInfo,
)


def contract() -> str:
    """The base classes, then the interfaces, the objects and the data."""
    kinds = [_kind(name, base) for name, base in KINDS.items()]
    interfaces, objects = (
        [f"#### `{one.__name__}`\n\n{_documented(one)}" for one in several]
        for several in (INTERFACES, OBJECTS)
    )
    return "\n\n".join(
        (
            *kinds,
            "### Modules",
            *interfaces,
            "### Objects",
            *objects,
            "### Data",
            *map(_data, DATA),
        )
    )


def hooks() -> str:
    """A list item for each hook: its signature and when it is called."""
    found = [
        function
        for name, function in vars(hookspecs).items()
        if hasattr(function, f"{hookspecs.PROJECT}_spec")
    ]
    return "\n".join(f"- `{_signature(f.__name__, f)}`: {_text(f)}" for f in found)


def _kind(name: str, base: type[Component]) -> str:
    heading = f"### {base.__name__}: `{PLACES[name]}`"
    return f"{heading}\n\n{_documented(base)}"


def _documented(one: type) -> str:
    members = [
        _member(name, member)
        for name, member in _own(one).items()
        if isinstance(member, property | cached_property) or inspect.isfunction(member)
        if not name.startswith(("_", "model_")) or name == "__call__"
    ]
    return "\n".join((_text(one), "", *members))


def _own(one: type) -> dict[str, Any]:
    """The class's members, those of its self-description first."""
    described = [base for base in one.__bases__ if base.__module__ == self_description.__name__]
    return {name: m for base in (*described, one) for name, m in vars(base).items()}


def _member(name: str, member: Any) -> str:
    if inspect.isfunction(member):
        shown = _signature(name, member)
    else:
        getter: Any = member.fget if isinstance(member, property) else member.func
        shown = f"{name}: {inspect.signature(getter).return_annotation}"
    needed = " (required)" if getattr(member, "__isabstractmethod__", False) else ""
    return f"- `{shown}`{needed}: {_text(member)}"


def _data(one: type) -> str:
    if dataclasses.is_dataclass(one):
        fields = {field.name: field.type for field in dataclasses.fields(one)}
    else:
        fields = {name: kind.__forward_arg__ for name, kind in one.__annotations__.items()}
    listed = ", ".join(f"{name}: {kind}" for name, kind in fields.items())
    return f"#### `{one.__name__}`\n\n{_text(one)}\n\n`{listed}`"


def _signature(name: str, function: Any) -> str:
    shown = str(inspect.signature(function)).replace("'", "")
    return re.sub(r"\((self, |self)", "(", f"{name}{shown}", count=1)


def _text(documented: Any) -> str:
    """A docstring as Markdown in one line."""
    text = getattr(documented, "__doc__", None)
    if not text:
        raise LookupError(f"{documented} has no docstring")
    paragraphs = inspect.cleandoc(text).replace("``", "`").split("\n\n")
    return " ".join(" ".join(paragraph.split()) for paragraph in paragraphs)
