"""``vaezoo zoo``: list, show, search, migrate, sign, restore, prune; remote zoos."""

from __future__ import annotations

import shlex
import sys

import click

from vaezoo.cli import options
from vaezoo.cli.printing import echo_json, tell
from vaezoo.cli.text_tables import terminal_width
from vaezoo.cli.zoo_migrate import migrate
from vaezoo.cli.zoo_remotes import add, remotes, remove, search
from vaezoo.cli.zoo_sign import sign
from vaezoo.diagnostics.printable import in_log

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: vaezoo zoo list")
def command() -> None:
    """List, show and manage trained models."""


@command.command("list", epilog="Example: vaezoo zoo list --json")
@options.zoo
@_json_option
def list_(zoo: str | None, as_json: bool) -> None:
    """List every entry, including those shipped with vaezoo.

    With the address or short name of a remote zoo for --zoo, list the entries of that zoo.
    """
    if zoo is not None and _list_remote(zoo, as_json):
        return
    from vaezoo.zoo.entry_tables import as_data, as_table
    from vaezoo.zoo.search import entries, search_folders

    found = entries(zoo)
    if as_json:
        echo_json([as_data(entry) for entry in found])
    elif found:
        click.echo(as_table(found, terminal_width()))
    else:
        folders = ", ".join(map(str, search_folders(zoo)))
        option = f" --zoo {shlex.quote(zoo)}" if zoo else ""
        click.echo(in_log(f"no entries in {folders}; create one with 'vaezoo run SPEC{option}'"))


def _list_remote(zoo: str, as_json: bool) -> bool:
    """List the remote zoo that ``zoo`` names; whether it names one."""
    import dataclasses

    from vaezoo.diagnostics.columns import aligned
    from vaezoo.zoo.remote.search_entries import found_rows, remote_entries

    found = remote_entries(zoo)
    if found is None:
        return False
    if as_json:
        echo_json([dataclasses.asdict(one) for one in found])
    else:
        click.echo(in_log("\n".join(aligned(found_rows(found))) if found else "no entries"))
    return True


@command.command("show", epilog="Example: vaezoo zoo show fashion_mlp2")
@click.argument("name", type=options.ENTRY)
@options.zoo
@_json_option
def show(name: str, zoo: str | None, as_json: bool) -> None:
    """Show an entry: summary, metrics, targets, spec, lock, files."""
    from vaezoo.zoo.entry_tables import details, page
    from vaezoo.zoo.search import find

    entry = find(name, zoo=zoo)
    if as_json:
        echo_json(entry.steadily(lambda: details(entry)))
    else:
        click.echo(entry.steadily(lambda: page(entry)))


command.add_command(add)
command.add_command(remove)
command.add_command(remotes)
command.add_command(search)
command.add_command(migrate)
command.add_command(sign)


@command.command("restore", epilog="Example: vaezoo zoo restore fashion_mlp2")
@click.argument("name", type=options.ENTRY)
@options.zoo
def restore(name: str, zoo: str | None) -> None:
    """Restore the entry that the last run replaced; the current one is kept."""
    from vaezoo.zoo import restore as restoring

    entry = restoring.restore(name, zoo=zoo)
    tell(f"restored {name}: {entry.path}")


@command.command("prune", epilog="Example: vaezoo zoo prune fashion_mlp2 --yes")
@click.argument("name", required=False, type=options.ENTRY)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.zoo
def prune(name: str | None, yes: bool, zoo: str | None) -> None:
    """Delete replaced entries permanently: those of NAME, or all."""
    from vaezoo.system.files import in_units
    from vaezoo.zoo import restore as restoring

    several = restoring.prunable(name, zoo=zoo)
    if not several:
        click.echo("nothing to delete: no entry was replaced")
        return
    for one in several:
        click.echo(in_log(f"{one.path}  {in_units(one.size)}"))
    if not yes and not _confirmed(f"permanently delete {_counted(len(several))}?"):
        click.echo("nothing deleted")
        return
    deleted = len(restoring.prune(several, zoo=zoo))
    tell(f"deleted {_counted(deleted)}")
    if deleted < len(several):
        gone = len(several) - deleted
        click.echo(f"{gone} of {len(several)} were restored or deleted in the meantime", err=True)


def _counted(entries: int) -> str:
    return f"{entries} replaced {'entry' if entries == 1 else 'entries'}"


def _confirmed(question: str) -> bool:
    """Ask on the terminal. Raises click's UsageError without one."""
    if not _has_terminal():
        raise click.UsageError("no terminal to confirm on: use --yes")
    return click.confirm(question)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
