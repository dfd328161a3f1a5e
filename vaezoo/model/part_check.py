"""Check settings of single parts against the parameters that the parts have."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from vaezoo.diagnostics import Diagnostic, Span
from vaezoo.model.from_spec import build
from vaezoo.model.vae import VAE
from vaezoo.spec.nodes import Document
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec


def part_findings(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings (VZ402) about frozen parts and groups without parameters, and nothing to train."""
    if not spec.train.freeze and not spec.train.groups.optimizers():
        return []
    model = _built(spec)
    return [] if model is None else list(_findings(spec, model, Positions(document)))


def _findings(spec: Spec, model: VAE, places: Positions) -> Iterator[Diagnostic]:
    frozen = spec.train.freeze
    settings: list[tuple[str, str, Span | None]] = [
        ("freeze", part, places.of("train", "freeze")) for part in frozen
    ]
    settings += [
        ("groups", part, places.key("train", "groups", part))
        for part in spec.train.groups.optimizers()
    ]
    for key, part, span in settings:
        if not any(True for _ in model.part(part).parameters()):
            yield Diagnostic(
                "VZ402",
                f"train.{key} names the {part}, which has no parameters",
                span,
                hint=f"remove {part} from train.{key}",
            )
    model.freeze(frozen)
    if frozen and not any(parameter.requires_grad for parameter in model.parameters()):
        yield Diagnostic(
            "VZ402",
            "every parameter of the model is frozen, so there is nothing to train",
            places.of("train", "freeze"),
            hint="remove a part from train.freeze",
        )


def _built(spec: Spec) -> VAE | None:
    """The model without memory if possible; None if it cannot be built, which others report."""
    for device in ("meta", "cpu"):
        try:
            with torch.device(device):
                return build(spec)
        except Exception:  # a plugin's component raises anything
            continue
    return None
