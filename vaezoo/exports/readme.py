"""``README.md`` of an export: what the files are, how to use them, figures and license."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from vaezoo.diagnostics.printable import in_markdown
from vaezoo.exports.parity import ParityCheck
from vaezoo.exports.source import Source, Written
from vaezoo.registry import Metrics
from vaezoo.zoo.model_card import shown_value

#: The program that uses the files.
USE = "use.py"


def readme(
    source: Source,
    target: str,
    written: Written,
    checks: Sequence[ParityCheck],
    about: str,
    metrics: Metrics,
) -> str:
    """The page in Markdown. ``about`` says which images the files were compared on."""
    spec = source.model.spec
    license_ = spec.publish.license
    sections = [
        f"# {source.name}: {target}",
        in_markdown(spec.summary or ""),
        _files(written),
        f"## Use\n\n```sh\n{written.use}\n```",
        *written.notes,
        written.interface or _interface(source),
        _classes(source),
        *_meaning(source),
        _parity(checks, about),
        _figures(metrics),
        f"## License\n\n{in_markdown(license_)}" if license_ else _NO_LICENSE,
        _origin(source, target),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_NO_LICENSE = (
    "## License\n\nThe spec names no license for this model. `publish.license` in a spec sets it."
)


def _files(written: Written) -> str:
    rows = [
        *written.files.items(),
        *([(USE, "a short program that uses them without vaezoo")] if written.script else []),
        ("latents.json", "latents that the model's prior or sampler drew, to decode"),
        ("export.json", "how the files were made and checked, with their SHA-256"),
    ]
    return _table(("file", "content"), [(f"`{name}`", text) for name, text in rows])


def _interface(source: Source) -> str:
    rows = []
    for part in source.parts:
        for kind, tensors in (("input", part.inputs), ("output", part.outputs)):
            rows += [(part.name, kind, f"`{name}`", *_type(t)) for name, t in tensors.items()]
    return (
        "## Inputs and outputs\n\n"
        + _table(("part", "", "name", "shape", "type"), rows)
        + "\n\nThe number of rows, `batch`, is free. Images are in [0, 1]: divide bytes by 255."
    )


def _type(tensor: Tensor) -> tuple[str, str]:
    shape = ", ".join(["batch", *map(str, tensor.shape[1:])])
    return f"({shape})", str(tensor.dtype).removeprefix("torch.")


def _classes(source: Source) -> str:
    condition = source.model.condition
    if condition is None:
        return ""
    names = ", ".join(f"{n} {in_markdown(name)}" for n, name in enumerate(condition.names))
    return f"Labels: {names}; −1 is an unknown class."


def _meaning(source: Source) -> list[str]:
    """What the outputs of the encoder are, and what the files leave out."""
    spec = source.model.spec
    posterior = _summary(spec.model.posterior)
    texts = [
        f"The encoder returns the parameters of q(z|x), `{spec.model.posterior.use}`: {posterior}",
        "The decoder returns the mean of p(x|z), cut to [0, 1].",
    ]
    others = _other_sites(source)
    if others:
        topology = spec.model.topology
        texts.append(
            f"The model has {others + 1} latent variables, by `{topology.use}`: "
            f"{_summary(topology)} The decoder's `z` is the last one that generation draws, and "
            "the encoder's outputs describe it. The others stay inside the encoder, at the values "
            "that `model.encode` takes."
        )
    texts.append(
        "The files contain neither the prior nor the sampler of new latents: `latents.json` has "
        f"latents drawn {in_markdown(source.model.drawn_from)}."
    )
    return [" ".join(texts)]


def _other_sites(source: Source) -> int:
    """The number of latent variables besides the one that the decoder receives."""
    import torch

    from vaezoo.registry import Batch

    encoder = source.parts[0]
    with torch.no_grad():
        batch = Batch(encoder.inputs["image"], encoder.inputs.get("label"))
        trace = source.model.trace(batch, torch.Generator().manual_seed(0))
    return len(trace.sites) - 1


def _summary(component: object) -> str:
    """The first sentence of a component's documentation."""
    text = " ".join((type(component).__doc__ or "").split("\n\n")[0].split())
    return in_markdown(text)


def _parity(checks: Sequence[ParityCheck], about: str) -> str:
    if not checks:
        return ""
    rows = [(check.part, f"`{check.output}`", check.text) for check in checks]
    return (
        f"## Parity\n\nCompared with the model in PyTorch on {about}; the decoder also on as many "
        "draws of z:\n\n" + _table(("part", "output", "result"), rows)
    )


def _figures(metrics: Metrics) -> str:
    rows = [
        (
            in_markdown(figure.name),
            shown_value(figure),
            in_markdown(figure.unit),
            in_markdown(figure.split),
            str(figure.samples or "–"),
            in_markdown(figure.note, links=True),
        )
        for figure in metrics.figures
    ]
    if not rows:
        return ""
    head = ("figure", "value", "unit", "split", "samples of z", "note")
    return "## Figures\n\nOf the model before the export, as its entry records them.\n\n" + _table(
        head, rows
    )


def _origin(source: Source, target: str) -> str:
    keys = ", ".join(f"`{name}`" for name in source.metadata)
    return (
        f"## Origin\n\nvaezoo {source.metadata['vaezoo.version']}: "
        f"`vaezoo export {source.name} --to {target}`. Each file contains the metadata {keys}."
    )


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *([*row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
