"""``vaezoo pull``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell


@click.command(epilog="Example: vaezoo pull lab/fashion_mlp2")
@click.argument("address")
@click.option(
    "--into",
    type=options.PathType(file_okay=False, path_type=Path),
    help="Also copy the entry to this zoo folder. An entry of its name there is kept.",
)
@click.pass_obj
def command(context: Context, address: str, into: Path | None) -> None:
    """Download an entry of a remote zoo, check its files, and keep it for use offline.

    ADDRESS is that of an entry, such as hf://user/repo/NAME, or SHORT/NAME after 'vaezoo zoo add
    SHORT …'. With @REVISION it means exactly these files; without it, the newest, which the address
    then stands for in every command. A stopped download goes on with the same command. No code of
    the entry is run.
    """
    import dataclasses

    from vaezoo.cli.text_tables import counted
    from vaezoo.diagnostics import Severity, warn
    from vaezoo.system.files import in_units
    from vaezoo.zoo.remote.pull import pull

    pulled = pull(address, into=into, registry=context.registry)
    entry, files = pulled.entry, pulled.entry.files()
    size = f"{counted(len(files), 'file')}, {in_units(sum(files.values()))}"
    tell(
        f"{entry.name}, revision {pulled.revision[:12]}: {size} in {entry.path}",
        f"sample it:  vaezoo sample {entry.path if into else pulled.address.given} --n 50",
        f"pinned:     {pulled.pinned}",
    )
    for finding in pulled.missing:
        warn(dataclasses.replace(finding, severity=Severity.WARNING))
