"""``vaezoo zoo sign``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.diagnostics.printable import in_log


@click.command("sign", epilog="Example: vaezoo zoo sign my_model --key minisign.key")
@click.argument("name", type=options.ENTRY)
@click.option(
    "--key",
    type=options.PathType(path_type=Path),
    required=True,
    help="Secret key, written by 'minisign -G'.",
)
@options.zoo
def sign(name: str, key: Path, zoo: str | None) -> None:
    """Sign an entry, so that others can check who published it.

    The signature covers every file of the entry by its manifest. It does not prove the metrics:
    'vaezoo verify' recomputes them. The password of an encrypted key is read from
    $VAEZOO_MINISIGN_PASSWORD or prompted for. Needs one more package: pip install
    'vaezoo[sign]'.
    """
    from vaezoo.zoo import signing

    def ask() -> str:
        given = os.environ.get("VAEZOO_MINISIGN_PASSWORD")
        return given or str(click.prompt("password of the key", hide_input=True, err=True))

    click.echo(in_log(f"signed: {signing.sign(name, key, password=ask, zoo=zoo)}"))
