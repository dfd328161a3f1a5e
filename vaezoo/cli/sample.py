"""``vaezoo sample``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.printable import in_log

_FORMATS = ("png", "npy", "safetensors")


@click.command(epilog="Example: vaezoo sample fashion_mlp2 --n 50 --out samples.png")
@click.argument("name")
@click.option("--n", "count", type=click.IntRange(min=1), default=50, help="How many. Default 50.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write. Default NAME-samples.png."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, help="Decides the samples. Default 0."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="A grid, a float32 array (N, C, H, W), or tensors. Default: by the suffix of --out.",
)
@options.force
@options.device
@options.zoo
@click.pass_obj
def command(
    context: Context,
    name: str,
    count: int,
    out: Path | None,
    seed: int,
    format_: str | None,
    force: bool,
    device: str,
    zoo: str | None,
) -> None:
    """Sample images from a trained model.

    NAME is an entry of the zoo, or a path to an entry's folder or .safetensors file.
    """
    from vaezoo.zoo.header import FORMAT
    from vaezoo.zoo.sampling import FORMATS, check_writable, write_samples
    from vaezoo.zoo.search import find

    format_ = format_ or _format_of(out)
    entry = find(name, zoo=zoo)
    path = out or Path(f"{entry.name}-samples{FORMATS[format_]}")
    check_writable(path, format_, force=force)
    model = entry.load(context.registry, device)
    images = model.sample(count, seed=seed)
    header = {"format": FORMAT, "model": entry.name, "seed": str(seed)}
    write_samples(images, path, format_, header)
    plural = "" if count == 1 else "s"
    made = f"{count} sample{plural} of {entry.name} (seed {seed}, mean images)"
    click.echo(in_log(f"{made} → {path}"))


def _format_of(out: Path | None) -> str:
    if out is None:
        return "png"
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in _FORMATS:
        return suffix
    endings = ", ".join(f".{name}" for name in _FORMATS)
    raise click.BadParameter(
        f"no format goes with {out.name!r}; end it in {endings}, or give --format",
        param_hint="--out",
    )
