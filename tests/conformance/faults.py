"""Asking one check of a component's conformance, and expecting it to fail."""

from __future__ import annotations

import pytest

from vaezoo.registry import Component
from vaezoo.testing.conformance.kinds import BY_KIND
from vaezoo.testing.conformance.outcome import Nonconforming


def check(component: Component, name: str, *, strict: bool = False) -> None:
    conformance = BY_KIND[component.kind]()
    conformance.component = component
    conformance.strict = strict
    getattr(conformance, f"test_{name}")()


def fails(component: Component, name: str, words: str) -> None:
    with pytest.raises(Nonconforming, match=words):
        check(component, name)
