"""``vaezoo zoo add``, ``remove``, ``remotes`` and ``search``."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli import options
from vaezoo.cli.printing import echo_json, tell
from vaezoo.diagnostics.printable import in_log


@click.command("add", epilog="Example: vaezoo zoo add lab hf://our-lab/zoo")
@click.argument("short")
@click.argument("address")
def add(short: str, address: str) -> None:
    """Give a remote zoo a SHORT name: SHORT/NAME is then one of its entries in every command.

    ADDRESS is that of a zoo, such as hf://user/repo, s3://bucket/zoo, https://host/zoo or
    file:///folder. It is written to vaezoo's config folder, without being contacted.
    """
    from vaezoo.zoo.remote.added_zoos import add_zoo

    tell(f"{short} is {add_zoo(short, address)}")


@click.command("remove", epilog="Example: vaezoo zoo remove lab")
@click.argument("short")
def remove(short: str) -> None:
    """Forget the SHORT name of a remote zoo. Downloaded entries stay."""
    from vaezoo.zoo.remote.added_zoos import remove_zoo

    tell(f"removed {short}, which was {remove_zoo(short)}")


@click.command("remotes", epilog="Example: vaezoo zoo remotes")
@options.as_json
def remotes(as_json: bool) -> None:
    """List the short names of remote zoos and their addresses."""
    from vaezoo.diagnostics.columns import aligned
    from vaezoo.zoo.remote.added_zoos import added_zoos
    from vaezoo.zoo.remote.search_entries import short_names

    zoos = added_zoos()
    if as_json:
        echo_json({short: str(address) for short, address in zoos.items()})
    elif zoos:
        click.echo(in_log("\n".join(aligned(short_names(zoos)))))
    else:
        click.echo("no remote zoos; add one with 'vaezoo zoo add SHORT ADDRESS'")


@click.command("search", epilog="Example: vaezoo zoo search fashion conv")
@click.argument("words", nargs=-1, required=True)
@options.zoo
@options.as_json
def search(words: tuple[str, ...], zoo: str | None, as_json: bool) -> None:
    """List the entries with all WORDS in their name, summary, dataset or components.

    Searches the entries on disk and the index of every added zoo, and of the zoo that --zoo names.
    Nothing else is downloaded.
    """
    from vaezoo.diagnostics.columns import aligned
    from vaezoo.zoo.remote.search_entries import found_rows, search_entries

    found = search_entries(words, zoo=zoo)
    if as_json:
        echo_json([dataclasses.asdict(one) for one in found])
    elif found:
        click.echo(in_log("\n".join(aligned(found_rows(found)))))
    else:
        click.echo(in_log(f"no entry has {' and '.join(words)}"))
