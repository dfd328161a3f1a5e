"""The lint: warnings about valid specs that may not do what they seem to.

Each lint is a function from ``SpecFacts`` to remarks. ``ignore: [VZ412]`` in a spec silences one.
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
    """Warnings about a valid spec that it does not ignore, and about codes that it need not ignore.

    Components that fail while their properties are read give findings too (VZ303).
    """
    places = Positions(document)
    facts = facts_of(spec, places)
    remarks = [remark for one in LINTS for remark in one(facts)]
    warnings = [_warning(remark, places) for remark in remarks if remark.code not in spec.ignore]
    unused = _unused_ignores(spec, {remark.code for remark in remarks}, document)
    return [*facts.failures, *warnings, *unused]


def _warning(remark: Remark, places: Positions) -> Diagnostic:
    return Diagnostic(
        remark.code,
        remark.message,
        places.of(*remark.path),
        hint=f"{remark.hint}\nif this is intended, write ignore: [{remark.code}]",
        severity=Severity.WARNING,
    )


def _unused_ignores(spec: Spec, given: set[str], document: Document | None) -> Iterator[Diagnostic]:
    """Codes in the spec's own ``ignore`` that no warning has, those of a base excepted."""
    for index, code in enumerate(spec.ignore):
        span = document.value_span(("ignore", index)) if document else None
        if code not in given and document and span and span.source == document.source:
            yield Diagnostic(
                "VZ420",
                f"the spec ignores {code}, but does not cause it",
                span,
                hint="remove it from ignore",
                severity=Severity.WARNING,
            )
