"""``vaezoo export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell
from vaezoo.exports.export_targets import TARGETS

if TYPE_CHECKING:
    from vaezoo.exports.parity import ParityCheck

_TOLERANCES = ", ".join(
    f"{limit:g} for {' and '.join(n for n, t in TARGETS.items() if t.tolerance == limit)}"
    for limit in sorted({target.tolerance for target in TARGETS.values()})
)
_FORMATS = "; ".join(f"{name}: {target.summary}" for name, target in TARGETS.items())


@click.command(epilog="Example: vaezoo export mnist_mlp20 --to onnx --out mnist_mlp20-onnx")
@click.argument("name", type=options.REFERENCE)
@click.option(
    "--to",
    type=click.Choice(list(TARGETS)),
    default="onnx",
    show_default=True,
    help=f"Format. {_FORMATS}.",
)
@click.option(
    "--out",
    type=options.PathType(path_type=Path),
    help="Output folder, which must not exist. [default: NAME-FORMAT]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="Largest difference from the model, for values up to 1; larger values may differ in "
    f"proportion. [default: {_TOLERANCES}]",
)
@click.option("--force", is_flag=True, help="Replace an earlier export in the folder.")
@options.data_overrides
@options.zoo
@click.pass_obj
def command(
    context: Context,
    name: str,
    to: str,
    out: Path | None,
    tolerance: float | None,
    force: bool,
    overrides: tuple[str, ...],
    zoo: str | None,
) -> None:
    """Write a trained model to files that run without vaezoo.

    The encoder maps images in [0, 1] to the parameters of q(z|x), the decoder maps z to mean
    images, both for any number of rows. The files are compared with the model on 64 test images.
    The folder also gets a short program that uses them, and a README. NAME is an entry of the zoo,
    its folder or its weights file. ONNX needs more packages: pip install 'vaezoo[export]'.
    """
    from vaezoo.exports.export import export

    exported = export(
        name,
        to,
        out,
        zoo=zoo,
        force=force,
        tolerance=tolerance,
        registry=context.registry,
        overrides=overrides,
        announce=lambda step: click.echo(step, err=True),
    )
    tell(*_lines(exported.checks), exported.path)


def _lines(checks: tuple[ParityCheck, ...]) -> list[str]:
    if not checks:
        return ["SKIP  the files were not compared: this format cannot be run here"]
    width = max(len(check.output) for check in checks)
    return [f"PASS  {check.part}  {check.output:{width}}  {check.text}" for check in checks]
