"""A component that fails, or that two plugins share, is a finding at its place."""

from __future__ import annotations

import types
from typing import Any

import pytest

from tests.spec.conftest import GOOD, Write
from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.registry import (
    Decoder,
    Encoder,
    ImageShape,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Plugin,
    Registry,
    discover,
    hookimpl,
)
from vaezoo.registry.module_contracts import Shape
from vaezoo.spec import Spec, validate


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


def picky(kind: Any, use: str) -> Any:
    """A component that needs three latents."""

    def problem(self: Any, spec: Spec) -> str | None:
        return "it needs three latents" if spec.model.latent_size < 3 else None

    members = {"problem": problem, "lr": 1e-3, "__annotations__": {"lr": float}}
    members |= dict.fromkeys(kind.__abstractmethods__, lambda self, *arguments: None)
    return types.new_class(use, (kind,), {"use": use}, lambda body: body.update(members))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (Encoder, "model.encoder"),
        (Decoder, "model.decoder"),
        (Likelihood, "model.likelihood"),
        (Loss, "loss"),
        (Optimizer, "train.optimizer"),
        (Metric, "metrics"),
    ],
)
def test_every_kind_may_say_what_it_needs(write: Write, kind: Any, key: str) -> None:
    registry = registry_with([picky(kind, "picky")])
    value = "[elbo, picky]" if key == "metrics" else "picky"

    def errors(*overrides: str) -> list[Diagnostic]:
        found = validate(write(GOOD), overrides=overrides, registry=registry)
        return [one for one in found if one.severity is Severity.ERROR]

    (finding,) = errors(f"{key}={value}")
    assert finding.code == "VZ402"
    assert f"the {kind.kind} 'picky' does not suit the model: it needs three" in finding.message
    assert finding.span is not None
    assert errors(f"{key}={value}", "model.latent=3") == []


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
