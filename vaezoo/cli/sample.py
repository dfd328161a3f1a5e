"""``vaezoo sample``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell
from vaezoo.cli.text_tables import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

_FORMATS = ("png", "npy", "safetensors")
#: The largest ``--scale``.
LARGEST_SCALE = 64
#: Show progress from this number of samples on.
_MANY = 20_000


@click.command(epilog="Example: vaezoo sample fashion_mlp2 --n 50 --out samples.png")
@click.argument("name", type=options.ENTRY)
@click.option(
    "--n",
    "count",
    type=options.COUNT,
    help="Number of images, of each class with --label all. Default 50, or 10 of each class.",
)
@click.option(
    "--label",
    metavar="CLASS|all",
    help="Class of a conditional model, by name or number; all gives a row for each class. "
    "Default: each class in turn.",
)
@click.option(
    "--out", type=options.PathType(path_type=Path), help="Output file. Default NAME-samples.png."
)
@click.option(
    "--seed",
    type=click.IntRange(0, options.LARGEST),
    default=0,
    help="Random seed. Default 0.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="png is a grid, npy a float32 array (N, C, H, W). Default: from the suffix of --out.",
)
@click.option(
    "--scale",
    type=click.IntRange(1, LARGEST_SCALE),
    help="Pixels of a png for each pixel of an image, in both directions. "
    "Default: as large as fits into 1280×960, from 2 to 16.",
)
@click.option(
    "--sampler",
    metavar="NAME",
    help="What draws the latents: the entry's sampler, or prior. Default: the entry's sampler.",
)
@options.force
@options.device
@options.zoo
@click.pass_obj
def command(
    context: Context,
    name: str,
    count: int | None,
    label: str | None,
    out: Path | None,
    seed: int,
    format_: str | None,
    scale: int | None,
    sampler: str | None,
    force: bool,
    device: str,
    zoo: str | None,
) -> None:
    """Sample images from a trained model.

    NAME is an entry of the zoo, or a path to an entry's folder or .safetensors file.
    """
    from vaezoo.system.out_of_memory import memory_explained
    from vaezoo.zoo.header import FORMAT
    from vaezoo.zoo.sampling import (
        FORMATS,
        SampleGrid,
        check_writable,
        draws,
        require_sampler,
        write_samples,
    )
    from vaezoo.zoo.search import find

    format_ = format_ or _format_of(out)
    if scale is not None and format_ != "png":
        raise click.UsageError(f"--scale is for png, and the format is {format_}")
    entry = find(name, zoo=zoo)
    path = out or Path(f"{entry.name}-samples{FORMATS[format_]}")
    check_writable(path, format_, force=force)
    with memory_explained("take a smaller --n, or a device with more memory"):
        model = entry.load(context.registry, device)
        if sampler:
            require_sampler(model, sampler, entry.name)
        drawn = draws(model, count, label, seed, sampler)
        sheet = SampleGrid(path, format_, drawn.count, model.image_shape, drawn.columns, scale)
        sheet.check_size()
        header = {"format": FORMAT, "model": entry.name, "seed": str(seed)}
        if label is not None:
            header["label"] = label
        if model.sampler is not None:
            header["sampler"] = sampler or model.samplers[0]
        write_samples(sheet, _with_progress(drawn.blocks, drawn.count), header)
    by = f", sampler {header['sampler']}" if "sampler" in header else ""
    about = f"{counted(drawn.count, 'sample')} of {entry.name}{drawn.about}"
    tell(f"{about} (seed {seed}, mean images{by}) → {path}{sheet.about}")


def _with_progress(blocks: Iterable[Tensor], count: int) -> Iterator[Tensor]:
    """Pass the blocks on; show progress if there are many samples."""
    if count < _MANY:
        yield from blocks
        return
    from vaezoo.cli.evaluation_progress import shown

    with shown("drawing") as (announce, advance):
        announce("samples", count)
        for block in blocks:
            yield block
            advance(len(block))


def _format_of(out: Path | None) -> str:
    if out is None:
        return "png"
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in _FORMATS:
        return suffix
    endings = ", ".join(f".{name}" for name in _FORMATS)
    raise click.BadParameter(
        f"no format has the suffix of {out.name!r}; use {endings}, or give --format",
        param_hint="--out",
    )
