"""Specs that differ from a quiet one in what a test is about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vaezoo.diagnostics import Diagnostic
from vaezoo.registry import Registry
from vaezoo.spec import validate

#: Gives no warning: a density on grey levels, and a scale that follows the errors.
QUIET = """\
vaezoo: 1
name: quiet
dataset: mnist
model:
  latent: 12
  encoder: {use: mlp, hidden: [400]}
  decoder: {use: mlp, hidden: [400]}
  likelihood: gaussian
train:
  epochs: 30
"""
Found = Callable[..., list[Diagnostic]]


@pytest.fixture
def found(write, registry: Registry) -> Found:
    """``found("loss.beta=4")`` is what the lint says of the quiet spec with that change."""

    def found(*overrides: str, registry: Registry = registry) -> list[Diagnostic]:
        return list(validate(write(QUIET), overrides=overrides, registry=registry))

    return found


@pytest.fixture
def codes(found: Found) -> Callable[..., list[str]]:
    """Like ``found``, the codes only."""
    return lambda *overrides, **options: [f.code for f in found(*overrides, **options)]
