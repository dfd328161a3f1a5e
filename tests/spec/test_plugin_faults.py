"""A component that fails, or that two plugins share, is a finding at its place."""

from __future__ import annotations

import types
from typing import Any

from tests.spec.conftest import GOOD, Write
from vaezoo.registry import Encoder, ImageShape, Plugin, Registry, discover, hookimpl
from vaezoo.registry.module_contracts import Shape
from vaezoo.spec import validate


def registry_with(*several: list[type]) -> Registry:
    """The built-in components and those of further plugins, called one, two, …"""
    registry = Registry()
    builtin = {r.component for r in discover().components()}
    for name, components in zip(("vaezoo", "one", "two"), (list(builtin), *several), strict=False):
        module = types.ModuleType(name)
        implementation = hookimpl(lambda found=components: found, specname="vaezoo_components")
        module.vaezoo_components = implementation  # type: ignore[attr-defined]
        registry.add(Plugin(name, "1.0", f"{name}.py"), module)
    return registry


def test_a_component_that_raises_is_a_finding(write: Write) -> None:
    class Broken(Encoder, use="broken"):
        def shape_problem(self, image: ImageShape, output: Shape) -> str | None:
            raise ZeroDivisionError("oops")

        def build(self, image: ImageShape, output: Shape) -> Any:
            """Never called."""

    path = write(GOOD.replace("{use: mlp, hidden: [400]}", "broken", 1))
    (finding,) = validate(path, registry=registry_with([Broken]))
    assert finding.code == "VZ303"
    assert "'broken' of the plugin one 1.0 failed: ZeroDivisionError" in finding.message
    assert finding.span is not None
    assert finding.span.start.line == 6


def test_a_name_of_two_plugins_must_be_qualified(write: Write) -> None:
    class One(Encoder, use="twin"):
        def build(self, image: ImageShape, output: Shape) -> Any:
            """Never called."""

    class Two(Encoder, use="twin"):
        width: int = 3

        def build(self, image: ImageShape, output: Shape) -> Any:
            """Never called."""

    registry = registry_with([One], [Two])
    bare = write(GOOD.replace("use: mlp, hidden: [400]", "use: twin", 1))
    (finding,) = validate(bare, registry=registry)
    assert finding.code == "VZ302"
    assert "one:twin (one.py)" in finding.message
    assert "two:twin (two.py)" in finding.message
    assert finding.hint
    qualified = write(GOOD.replace("use: mlp, hidden: [400]", "use: 'two:twin', width: 4", 1))
    assert validate(qualified, registry=registry) == ()
    wrong = write(GOOD.replace("use: mlp, hidden: [400]", "use: 'two:twin', witdh: 4", 1))
    (finding,) = validate(wrong, registry=registry)
    assert finding.hint == "did you mean 'width'? parameters: width"
