"""``vaezoo push``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell
from vaezoo.diagnostics.printable import in_log

if TYPE_CHECKING:
    from vaezoo.evaluation.push import Push


@click.command(epilog="Example: vaezoo push fashion_mlp2 file://./shared --license mit --dry-run")
@click.argument("name", type=options.REFERENCE)
@click.argument("address")
@click.option("--dry-run", is_flag=True, help="Verify, and show what would be written.")
@click.option(
    "--license",
    "license_",
    metavar="NAME",
    help="License of the model, such as mit or cc-by-4.0, if its spec names none.",
)
@click.option(
    "--samples",
    type=options.COUNT,
    metavar="N",
    help="Verify with at most N samples of z for each image: faster, with a wider tolerance.",
)
@options.on_data
@click.pass_obj
def command(
    context: Context,
    name: str,
    address: str,
    dry_run: bool,
    license_: str | None,
    samples: int | None,
    overrides: tuple[str, ...],
    device: str,
    zoo: str | None,
) -> None:
    """Upload an entry to a remote zoo, after verifying it.

    ADDRESS is that of a zoo, such as hf://user/repo, s3://bucket/zoo or file:///folder, or a name
    given by 'vaezoo zoo add'. It is created if necessary. A push that is killed leaves the old
    entry readable; the same push again completes it. Needs more packages: pip install
    'vaezoo[remote]'.
    """
    from vaezoo.cli.evaluation_progress import shown
    from vaezoo.evaluation.push import push
    from vaezoo.zoo.search import find

    entry = find(name, zoo=zoo)
    own = entry.spec_data.get("publish", {}).get("license")
    if not own and license_ is None and sys.stdin is not None and sys.stdin.isatty():
        license_ = click.prompt("license of the model, such as mit or cc-by-4.0", err=True)
    with shown() as (announce, advance):
        made = push(
            entry.path if zoo else name,
            address,
            license=license_,
            dry_run=dry_run,
            samples=samples,
            zoo=zoo,
            device=device,
            registry=context.registry,
            overrides=overrides,
            announce=announce,
            advance=advance,
            confirm=lambda push: click.echo(in_log("\n".join(_files(push))), err=True),
        )
    if dry_run:
        tell("nothing written: --dry-run")
    else:
        tell(f"pushed {made.name}, revision {made.revision[:12]}, to {made.address}")
    tell("", "others sample it with:", f"  {made.reader_line}", "", made.bibtex)


def _files(push: Push) -> list[str]:
    from vaezoo.cli.text_tables import counted
    from vaezoo.diagnostics.columns import aligned
    from vaezoo.system.files import in_units

    rows = [(f"  {name}", in_units(size)) for name, size in push.files.items()]
    size = in_units(sum(push.files.values()))
    head = f"{counted(len(push.files), 'file')}, {size}, license {push.license}:"
    state = f"replaces revision {push.replaced[:12]}" if push.replaced else "new in this zoo"
    if push.replaced == push.revision:
        state = "this revision is already there"
    return [f"verified {push.name}: {state}", head, *aligned(rows)]
