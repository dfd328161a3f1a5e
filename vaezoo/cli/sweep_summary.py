"""Summary of a sweep: a table of its members, the best one, the next command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.cli.text_tables import shown
from vaezoo.diagnostics.columns import aligned

if TYPE_CHECKING:
    from vaezoo.registry import Figure
    from vaezoo.registry.quantity import Role
    from vaezoo.runs.ledger import MemberResult

#: Columns of the table: figures of the test split that at least one member has.
_ROLES: tuple[Role, ...] = ("elbo", "reconstruction", "kl", "active_units")


def write_picture(outcomes: Sequence[MemberResult], name: str) -> Path | None:
    """Plot rate against distortion as ``NAME-rate-distortion.png`` if members are comparable.

    Raises RunError (VZ503) if it cannot be written.
    """
    from vaezoo.diagnostics import Diagnostic, RunError
    from vaezoo.evaluation.rate_distortion import draw_tradeoff, points_of
    from vaezoo.system.files import PNG, check_output, write_output

    trained = [(one.spec, one.values, one.entry.metrics) for one in outcomes if one.entry]
    points = points_of(trained)
    if len(points) < 2:
        return None
    path = Path(f"{name}-rate-distortion.png")
    try:
        check_output(path, PNG)
        write_output(path, draw_tradeoff(points, name))
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise RunError(Diagnostic("VZ503", message, hint="the entries are published")) from None
    return path


def summarize_members(outcomes: Sequence[MemberResult], picture: Path | None) -> list[str]:
    """A table with a row per member, then the best member and the folder of the entries."""
    roles = [role for role in _ROLES if any(_figure(one, role) for one in outcomes)]
    keys = list(outcomes[0].values)
    rows = [
        (one.spec.name, *(shown(one.values[key]) for key in keys), *_cells(one, roles))
        for one in outcomes
    ]
    lines = aligned([("MEMBER", *keys, *(f"TEST/{role.upper()}" for role in roles)), *rows])
    best = _best(outcomes)
    if best:
        lines += ["", f"best test/elbo: {best.spec.name}"]
    if picture:
        lines += ["", f"rate and distortion of each: {picture}"]
    return [*lines, "", *_where(outcomes, best)]


def show_errors(outcomes: Sequence[MemberResult]) -> bool:
    """Print the errors of failed members to stderr; return whether any failed."""
    import click

    from vaezoo.diagnostics.output.text import render

    failed = [one for one in outcomes if one.error]
    for one in failed:
        assert one.error
        text = render(one.error.diagnostics, color=sys.stderr.isatty())
        click.echo(f"{one.spec.name}:\n{text}\n", err=True)
    return bool(failed)


def _cells(outcome: MemberResult, roles: Sequence[Role]) -> list[str]:
    if outcome.error:
        return [f"failed ({outcome.error.diagnostics[0].code})", *("" for _ in roles[1:])]
    figures = [_figure(outcome, role) for role in roles]
    return [f"{figure.value:.2f}" if figure else "" for figure in figures]


def _figure(outcome: MemberResult, role: Role) -> Figure | None:
    return outcome.entry.metrics.of_role(role) if outcome.entry else None


def _best(outcomes: Sequence[MemberResult]) -> MemberResult | None:
    """The member with the best ELBO; None if their ELBOs are not comparable."""
    found = [(figure, one) for one in outcomes if (figure := _figure(one, "elbo"))]
    protocols = {
        (figure.likelihood, figure.binarisation, figure.samples, str(one.spec.dataset.to_spec()))
        for figure, one in found
    }
    if len(found) < 2 or len(protocols) > 1:
        return None
    return max(found, key=lambda pair: pair[0].value)[1]


def _where(outcomes: Sequence[MemberResult], best: MemberResult | None) -> list[str]:
    from vaezoo.zoo.search import words_for

    entries = [one.entry for one in outcomes if one.entry]
    count = f"{len(entries):,} of {len(outcomes):,} members"
    if not entries:
        return [f"published {count}"]
    chosen = next(one for one in entries if not best or one.name == best.spec.name)
    return [
        f"published {count} to {entries[0].path.parent}",
        f"next: vaezoo sample {words_for(chosen)} --n 50",
    ]
