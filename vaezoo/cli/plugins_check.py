"""``vaezoo plugins check``: the conformance kit on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import in_log

if TYPE_CHECKING:
    from vaezoo.testing.conformance.runner import Result

_COMPONENT, _CHECK = 24, 52
_IN_WORDS = {
    "PASSED": "passed",
    "FAILED": "failed",
    "DECLINED": "not passed (no), optional",
    "SKIPPED": "skipped",
}


@click.command("check", epilog="Example: vaezoo plugins check my_encoder.py")
@click.argument("plugin", type=options.REFERENCE, metavar="DIST_OR_FILE")
@click.option("--strict", is_flag=True, help="Fail on optional checks too.")
@click.option(
    "--native",
    is_flag=True,
    help="Test with torch.compile's inductor backend. Needs a C++ compiler.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, plugin: str, strict: bool, native: bool, as_json: bool) -> int:
    """Run the conformance checks on a plugin, one row for each check.

    DIST_OR_FILE is the name of a plugin or its distribution, or a Python file. Exits with 1 if a
    check fails. Nothing is downloaded.
    """
    from vaezoo.testing.conformance.runner import CheckOutcome, Options, check_plugin

    results = check_plugin(plugin, extra=context.plugins, options=Options(strict, native))
    done = _as_json(results) if as_json else _as_table(results)
    return 1 if any(result.outcome is CheckOutcome.FAILED for result in done) else 0


def _as_json(results: Iterable[Result]) -> list[Result]:
    done = list(results)
    data = [
        {
            "subject": result.subject,
            "check": result.check,
            "outcome": result.outcome.name.lower(),
            "cause": result.cause,
            "optional": result.optional,
            "seconds": round(result.seconds, 3),
        }
        for result in done
    ]
    echo_json(data)
    return done


def _as_table(results: Iterable[Result]) -> list[Result]:
    done: list[Result] = []
    for result in results:  # print each row at once: a check may take seconds
        if not done:
            click.echo(_row("SUBJECT", "CHECK", "RESULT", "CAUSE"))
        click.echo(in_log(_row(result.subject, result.check, result.outcome, result.cause)))
        done.append(result)
    counts = Counter(_IN_WORDS[result.outcome.name] for result in done)
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return done


def _row(subject: str, check: str, outcome: str, cause: str) -> str:
    return f"{subject:<{_COMPONENT}}  {check:<{_CHECK}}  {outcome:<6}  {cause}".rstrip()
