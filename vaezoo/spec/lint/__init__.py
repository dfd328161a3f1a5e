"""The lint: warnings about specs that can be trained, but may not mean what they seem to.

Each lint is a function from what is known about a spec (``Facts``) to remarks. A spec that means
what a remark doubts says so with ``ignore: [VZ412]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.spec.lint.binary_pixels import grey_levels
from vaezoo.spec.lint.picture_choice import unsuited
from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import facts_of
from vaezoo.spec.lint.targets import other_protocol, out_of_reach
from vaezoo.spec.lint.term_weights import effective_beta, frozen_scale
from vaezoo.spec.lint.train_settings import large_step, long_patience, small_batch
from vaezoo.spec.nodes import Document
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec

__all__ = ["lint"]

LINTS = (
    effective_beta,
    grey_levels,
    frozen_scale,
    large_step,
    small_batch,
    other_protocol,
    out_of_reach,
    unsuited,
    long_patience,
)


def lint(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Warnings about a valid spec, less those that it ignores, and about what it ignores in vain.

    A component that fails when it is asked is a finding too (VZ303).
    """
    places = Positions(document)
    facts = facts_of(spec)
    remarks = [remark for one in LINTS for remark in one(facts)]
    heard = [_warning(remark, places) for remark in remarks if remark.code not in spec.ignore]
    broken = [
        Diagnostic("VZ303", fault.message, places.of(*fault.path), hint=fault.hint)
        for fault in facts.faults
    ]
    return [*broken, *heard, *_in_vain(spec, {remark.code for remark in remarks}, document)]


def _warning(remark: Remark, places: Positions) -> Diagnostic:
    return Diagnostic(
        remark.code,
        remark.message,
        places.of(*remark.path),
        hint=f"{remark.hint}\nif it is meant so: ignore: [{remark.code}]",
        severity=Severity.WARNING,
    )


def _in_vain(spec: Spec, made: set[str], document: Document | None) -> Iterator[Diagnostic]:
    """Codes that the spec's own text ignores for nothing; a base may speak for other specs."""
    for index, code in enumerate(spec.ignore):
        span = document.value_span(("ignore", index)) if document else None
        if code not in made and document and span and span.source == document.source:
            yield Diagnostic(
                "VZ420",
                f"nothing here gives the warning {code}",
                span,
                hint="take it out of ignore, so that it is heard when there is reason for it",
                severity=Severity.WARNING,
            )
