"""Try every family of models: compile, resume, ensembles, two processes, a condition.

    python benchmarks/families.py                # all; needs the packages in plugins/
    python benchmarks/families.py --only iaf     # those whose name contains it

Each family is trained for two epochs on the first images of its dataset. Writes
``results/families.json`` and the table in ``docs/families.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import multiprocessing
import os
import socket
import tempfile
import textwrap
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vaezoo.diagnostics import VaezooError
from vaezoo.model.shape_check import shape_findings
from vaezoo.registry import ImageData, Split, discover
from vaezoo.spec import Spec, read
from vaezoo.system.torchrun import Processes
from vaezoo.testing import Nonconforming, require_exact_resume
from vaezoo.training import Observer, Trained, joined, train
from vaezoo.training.distributed.process_group import SingleProcess
from vaezoo.training.ensemble.train import ensemble_problem
from vaezoo.training.execution.choose_step import CompileMode

ROOT = Path(__file__).resolve().parent.parent
RESULT, PAGE = ROOT / "benchmarks/results/families.json", ROOT / "docs/families.md"
BEGIN, END = "<!-- families: written by benchmarks/families.py -->", "<!-- end of families -->"
#: What is tried of each family, and the head of its column.
TRIED = {
    "compiled": "compiled",
    "resumes": "resumes",
    "ensemble": "ensembles",
    "torchrun": "torchrun",
    "conditional": "conditional",
}
#: Largest relative difference of an ELBO between one process and two, which add in another order.
SAME = 1e-4
#: training images, and settings of the short training
IMAGES = 256
SHORT = ("train.epochs=2", "train.batch_size=32")
CPU = torch.device("cpu")


class Family(NamedTuple):
    """A family, its publication, a spec, and changes to it."""

    name: str
    source: str
    spec: str
    changes: tuple[str, ...] = ()


FAMILIES = (
    Family("VAE, dense", "Kingma and Welling 2014", "specs/fashion_mlp2.yaml"),
    Family("VAE, convolutional", "", "specs/fashion_conv12.yaml"),
    Family("β-VAE", "Higgins et al. 2017", "specs/fashion_beta4.yaml"),
    Family("conditional VAE", "Sohn et al. 2015", "specs/mnist_conditional.yaml"),
    Family("full covariance", "", "specs/mnist_mlp20.yaml", ("model.posterior=full_covariance",)),
    Family("Laplace posterior", "", "specs/mnist_mlp20.yaml", ("model.posterior=laplace",)),
    Family(
        "planar flow",
        "Rezende and Mohamed 2015",
        "plugins/vaezoo-flows/specs/mnist_gaussian24.yaml",
        ("model.posterior=planar",),
    ),
    Family(
        "inverse autoregressive flow",
        "Kingma et al. 2016",
        "plugins/vaezoo-flows/specs/mnist_iaf24.yaml",
    ),
    Family(
        "mixture prior",
        "",
        "plugins/vaezoo-flows/specs/mnist_gaussian24.yaml",
        ("model.prior=mixture",),
    ),
    Family("RealNVP prior", "Dinh et al. 2017", "plugins/vaezoo-flows/specs/mnist_realnvp24.yaml"),
    Family(
        "masked autoregressive prior",
        "Papamakarios et al. 2017",
        "plugins/vaezoo-flows/specs/mnist_gaussian24.yaml",
        ("model.prior=maf",),
    ),
    Family(
        "VampPrior",
        "Tomczak and Welling 2018",
        "plugins/vaezoo-vampprior/specs/mnist_vamp24.yaml",
    ),
    Family(
        "VQ-VAE, averaged codebook",
        "van den Oord et al. 2017",
        "plugins/vaezoo-discrete/specs/mnist_vq.yaml",
    ),
    Family(
        "VQ-VAE, codebook by gradients",
        "van den Oord et al. 2017",
        "plugins/vaezoo-discrete/specs/mnist_vq.yaml",
        ("model.posterior.update=gradient",),
    ),
    Family(
        "finite scalar quantization",
        "Mentzer et al. 2023",
        "plugins/vaezoo-discrete/specs/mnist_vq.yaml",
        ("model.posterior={use: fsq, levels: [8, 5, 5]}",),
    ),
    Family(
        "categorical latents, Gumbel-softmax",
        "Jang et al. 2017",
        "plugins/vaezoo-discrete/specs/mnist_categorical.yaml",
    ),
    Family(
        "several layers, bottom-up",
        "Burda et al. 2016",
        "plugins/vaezoo-ladder/specs/mnist_ladder.yaml",
    ),
    Family(
        "several layers, top-down",
        "Sønderby et al. 2016",
        "plugins/vaezoo-ladder/specs/mnist_top_down.yaml",
    ),
    Family(
        "IWAE",
        "Burda et al. 2016",
        "plugins/vaezoo-iwae/specs/mnist_iwae50_k5.yaml",
    ),
    Family(
        "residual networks",
        "He et al. 2016",
        "plugins/vaezoo-resnet/specs/fashion_resnet12.yaml",
    ),
)


def tried(family: Family) -> dict[str, Any]:
    """What a family can do; text where it cannot."""
    spec = spec_of(family)
    data = few(spec)
    findings = [finding.message for finding in shape_findings(spec)]
    return {
        "name": family.name,
        "source": family.source,
        "spec": family.spec,
        "changes": list(family.changes),
        "package": package_of(family),
        "valid": findings or True,
        "compiled": compiled(spec, data),
        "resumes": resumes(spec, data),
        "ensemble": ensemble_problem([spec_of(family, f"train.seed={n}") for n in (0, 1)]) or True,
        "torchrun": in_two_processes(family, spec, data),
        "conditional": conditional(family, data),
        "entry": entry_of(family),
    }


def spec_of(family: Family, *more: str) -> Spec:
    """The spec with its changes, for a short training."""
    return read(ROOT / family.spec, overrides=[*family.changes, *SHORT, *more])


def few(spec: Spec) -> ImageData:
    """The first images of the spec's dataset."""
    data = spec.dataset.build()
    return dataclasses.replace(data, train=_first(data.train), test=_first(data.test))


def _first(split: Split) -> Split:
    labels = None if split.labels is None else split.labels[:IMAGES].clone()
    return Split(split.images[:IMAGES].clone(), labels)


def compiled(spec: Spec, data: ImageData) -> bool | str:
    """Whether its steps can be compiled, or why not."""
    try:
        return _trained(spec, data, "on")
    except VaezooError as error:
        return textwrap.shorten(error.diagnostics[0].message.partition(": ")[2], 80)


def resumes(spec: Spec, data: ImageData) -> bool | str:
    """Whether a stopped run resumes to the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            require_exact_resume(spec, Path(folder), data)
        except Nonconforming as error:
            return str(error)
    return True


def in_two_processes(family: Family, spec: Spec, data: ImageData) -> bool | str:
    """Whether two processes train to the ELBO of one, or why not."""
    context = multiprocessing.get_context("spawn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answers = context.Queue()
    both = [
        context.Process(target=_one_of_two, args=(family, rank, port, answers)) for rank in (0, 1)
    ]
    for process in both:
        process.start()
    found = [answers.get() for _ in both]
    for process in both:
        process.join()
    if failed := [answer for answer in found if isinstance(answer, str)]:
        return str(failed[0])
    alone = _history(train_few(spec, data, "off"))
    if all(math.isclose(a, b, rel_tol=SAME) for a, b in zip(alone, found[0], strict=True)):
        return True
    return f"its ELBO is {found[0][-1]:.2f} in two processes, {alone[-1]:.2f} in one"


def _one_of_two(family: Family, rank: int, port: int, answers: Any) -> None:
    """Train as process ``rank`` of two; answer with the ELBO after each epoch, or why not."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    try:
        spec = spec_of(family)
        observer = Warned()
        with joined(Processes.of_environment(), CPU) as group:
            trained = train_few(spec, few(spec), "off", group, observer)
            group.leave()
        answers.put(observer.said or _history(trained))
    except Exception as error:  # the other process ends too
        answers.put(textwrap.shorten(str(error), 120))


class Warned(Observer):
    """Keeps the last warning."""

    said = ""

    def warned(self, message: str) -> None:
        self.said = message


def _history(trained: Trained) -> list[float]:
    return [record.train["elbo"] for record in trained.history]


def conditional(family: Family, data: ImageData) -> bool | str:
    """Whether it can be conditioned on labels, or why not."""
    try:
        return _trained(spec_of(family, "model.condition=labels", "train.epochs=1"), data, "off")
    except VaezooError as error:
        return error.diagnostics[0].message


def _trained(spec: Spec, data: ImageData, mode: CompileMode) -> bool:
    train_few(spec, data, mode)
    return True


def train_few(
    spec: Spec,
    data: ImageData,
    mode: CompileMode,
    group: SingleProcess | None = None,
    observer: Observer | None = None,
) -> Trained:
    """Train on few images, in a folder that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        return train(
            spec,
            data,
            device=CPU,
            directory=Path(folder),
            observer=observer or Observer(),
            compile=mode,
            group=group,
        )


def package_of(family: Family) -> str:
    """The package whose components it needs."""
    parts = Path(family.spec).parts
    return parts[1] if parts[0] == "plugins" else "vaezoo"


def entry_of(family: Family) -> str:
    """The folder of the trained entry of the unchanged spec, if it is in the repository."""
    spec = ROOT / family.spec
    folder = spec.parent.parent / "zoo" / spec.stem
    return "" if family.changes or not folder.is_dir() else str(folder.relative_to(ROOT))


def table(rows: list[dict[str, Any]]) -> str:
    """The table in Markdown."""
    head = ("family", "package", "spec", *TRIED.values(), "entry")
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    notes: list[str] = []
    for row in rows:
        title = row["name"] + (f" ({row['source']})" if row["source"] else "")
        spec = f"[{Path(row['spec']).stem}](../{row['spec']})"
        spec += "".join(f"<br>`{change}`" for change in row["changes"])
        entry = Path(row["entry"])
        cells = [
            title,
            row["package"],
            spec,
            *(_cell(row[name], notes) for name in TRIED),
            f"[{entry.name}](../{entry})" if row["entry"] else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, start=1))]
    return "\n".join(lines)


def _cell(value: bool | str, notes: list[str]) -> str:
    if value is True:
        return "yes"
    if str(value) not in notes:
        notes.append(str(value))
    return f"no ({notes.index(str(value)) + 1})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Try every family of models.")
    parser.add_argument("--only", default="", help="families whose name contains this text")
    only: str = parser.parse_args().only
    discover()
    known = json.loads(RESULT.read_text()) if RESULT.exists() else {"families": []}
    rows = {row["name"]: row for row in known["families"]}
    for family in FAMILIES:
        if only in family.name:
            rows[family.name] = tried(family)
            print(json.dumps(rows[family.name], ensure_ascii=False), flush=True)
    ordered = [rows[family.name] for family in FAMILIES if family.name in rows]
    made = {"torch": metadata.version("torch"), "images": IMAGES, "families": ordered}
    RESULT.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    text = f"{before}{BEGIN}\n\n{table(ordered)}\n\n{END}{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
