"""The model card, generated from the other files of the entry.

The front matter follows https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.diagnostics.printable import in_markdown
from vaezoo.registry import EpochRecord, Figure, Metrics, TargetResult
from vaezoo.registry.verdicts import in_words, in_words_with_note
from vaezoo.system.yaml_writer import to_yaml
from vaezoo.zoo.entry import FIGURES, Entry

#: A formula without other markup, and without commands that make links.
_NAME_AND_FORMULA = re.compile(
    r"`[\w./ -]+`: (?:\$(?!.*\\(?:href|url|class|style|cssId|unicode|require)\b)[^$`<>\n]*\$\. ?)?"
)
_VERDICT = re.compile(r"\*\*[\w :.]+\*\*(?: – )?")
#: The task of a model without a condition and with one, by type and name.
_TASK = ("unconditional-image-generation", "Unconditional image generation")
_CONDITIONAL_TASK = ("other", "Class-conditional image generation")


@dataclass(frozen=True)
class Shelf:
    """Where a card stands: the address of its entry, the folder of its files, and its license."""

    reference: str
    folder: str
    license: str


def card(entry: Entry, at: Shelf | None = None) -> str:
    """README.md of an entry: front matter and a short page.

    ``at`` is the place of a card that stands beside the entry's folder in a remote zoo.
    """
    folder = f"{at.folder}/" if at else ""
    sections = [
        f"---\n{to_yaml(_front_matter(entry, at))}---",
        f"# {entry.name}",
        in_markdown(entry.spec_data.get("summary", "")),
        _picture(entry, "samples", folder),
        _how_to_sample(entry, at.reference if at else entry.name),
        _figures_section(entry.metrics),
        _targets_section(entry.metrics.targets),
        _pictures_section(entry, folder),
        _training_section(entry),
        _how_to_reproduce(entry, folder),
    ]
    return _paragraphs(sections) + "\n"


def _front_matter(entry: Entry, at: Shelf | None) -> dict[str, Any]:
    dataset = _plain_use(entry.spec_data["dataset"])
    figures = [figure for figure in entry.metrics.figures if math.isfinite(figure.value)]
    task, words = _CONDITIONAL_TASK if entry.condition else _TASK
    results = [
        {
            "task": {"type": task, "name": words},
            "dataset": {"type": dataset, "name": dataset, "split": split},
            "metrics": [_result(figure) for figure in figures if figure.split == split],
        }
        for split in dict.fromkeys(figure.split for figure in figures)
    ]
    license_ = at.license if at else entry.spec_data.get("publish", {}).get("license")
    return {
        **({"license": license_} if license_ else {}),
        "library_name": "vaezoo",
        "pipeline_tag": task,
        "tags": ["vae", "variational-autoencoder", "vaezoo", dataset],
        "datasets": [dataset],
        "model-index": [{"name": entry.name, "results": results}],
    }


def _result(figure: Figure) -> dict[str, Any]:
    name = f"{figure.name} ({figure.unit})"
    return {"type": figure.name, "name": name, "value": figure.value}


def _how_to_sample(entry: Entry, reference: str) -> str:
    return f"""## Sample

```sh
vaezoo sample {reference} --n 50
```

```python
import vaezoo

model = vaezoo.load("{reference}")
images = model.sample(50)  # mean images, (50, channels, height, width) in [0, 1]
```{_how_to_choose_a_sampler(entry)}{_how_to_sample_a_class(entry)}"""


def _how_to_choose_a_sampler(entry: Entry) -> str:
    """How to sample from the prior instead of the entry's sampler."""
    if not entry.sampler:
        return ""
    return f"""

Latents are drawn by the sampler `{entry.sampler}`, which is stored with the weights. `--sampler
prior`, or `model.sample(50, sampler="prior")`, draws them from the prior."""


def _how_to_sample_a_class(entry: Entry) -> str:
    """How to choose a class, for a conditional model."""
    if entry.condition is None:
        return ""
    names = ", ".join(in_markdown(name) for name in entry.condition.names)
    return f"""

Without a label, it samples each class in turn. `--label CLASS` and `model.sample(50, labels=CLASS)`
sample one class, by name or number; `--label all` gives a row for each. The classes are {names}."""


def _figures_section(metrics: Metrics) -> str:
    if not metrics.figures:
        return ""
    rows = [
        (
            figure.name,
            shown_value(figure),
            figure.unit,
            figure.split,
            figure.likelihood,
            figure.binarisation,
            str(figure.samples or "–"),
            f"{figure.examples:,}",
            figure.note,
        )
        for figure in metrics.figures
    ]
    head = ("figure", "value", "unit", "split", "likelihood", "binarisation")
    table = _table((*head, "samples of z", "examples", "note"), rows)
    return _paragraphs(["## Figures", table, *_remarks(metrics)])


def _remarks(metrics: Metrics) -> list[str]:
    """Remarks below the table of figures."""
    remarks = ["Values are means over examples, ± one standard error."]
    remarks.append(directions(metrics.figures, lambda figure: f"`{figure.name}`"))
    if metrics.test_is_trained_on:
        remarks.append(
            "**The test images were part of the training data:** "
            "test figures are not held-out figures."
        )
    remarks += dict.fromkeys(in_markdown(f.likelihood_caveat) for f in metrics.figures)
    about = what_figures_are(metrics.figures, lambda figure: f"`{figure.name}`")
    remarks.append("\n".join(f"- {_about(text)}" for text in about))
    return [*remarks, "\n".join(f"- **{in_markdown(note)}**" for note in metrics.notes)]


def _about(text: str) -> str:
    """The text on a figure: its name and formula unchanged, its caveat escaped."""
    match = _NAME_AND_FORMULA.match(text)
    head = match[0] if match else ""
    return head + in_markdown(text[len(head) :])


def directions(figures: Sequence[Figure], name: Callable[[Figure], str]) -> str:
    """The figures for which higher is better, and for which lower, by ``name``."""
    sentences = []
    for better in ("higher", "lower"):
        named = dict.fromkeys(name(f) for f in figures if f.about and f.about.better == better)
        if named:
            sentences.append(f"{better.capitalize()} is better: {', '.join(named)}.")
    return " ".join(sentences)


def what_figures_are(figures: Sequence[Figure], name: Callable[[Figure], str]) -> list[str]:
    """The formula (in ``$…$``) and the caveat of each figure that has them."""
    texts = []
    for figure in figures:
        if figure.about and (figure.about.formula or figure.about.caveat):
            formula = f"${figure.about.formula}$." if figure.about.formula else ""
            text = " ".join(filter(None, (formula, figure.about.caveat)))
            texts.append(f"{name(figure)}: {text}")
    return list(dict.fromkeys(texts))


def _targets_section(targets: tuple[TargetResult, ...]) -> str:
    if not targets:
        return ""
    rows = [
        (
            target["metric"],
            f"{target['value']:g} ± {target['tolerance']:g}",
            f"{target['figure']:.2f}",
            _verdict(target),
            target["source"],
        )
        for target in targets
    ]
    return "## Targets\n\n" + _table(("figure", "target", "this model", "verdict", "source"), rows)


def _verdict(target: TargetResult) -> str:
    """The verdict with its explanation, bold unless reproduced."""
    words, text = in_words(target), in_words_with_note(target)
    return text if target["verdict"] == "reproduced" else text.replace(words, f"**{words}**", 1)


def _pictures_section(entry: Entry, folder: str) -> str:
    others = [path.stem for path in entry.figures if path.stem != "samples"]
    if not others:
        return ""
    return "\n\n".join(["## Pictures", *(_picture(entry, name, folder) for name in others)])


def _picture(entry: Entry, name: str, folder: str) -> str:
    found = next((path for path in entry.figures if path.stem == name), None)
    if found is None:
        return ""
    link = f"[{name.replace('_', ' ')}]({folder}{FIGURES}/{found.name})"
    return link if found.suffix == ".html" else f"!{link}"


def _training_section(entry: Entry) -> str:
    spec, lock, train = entry.spec_data, entry.lock, entry.spec_data["train"]
    device, model = lock["device"], spec["model"]
    plugins = {c["plugin"]: c["version"] for c in lock["components"]}
    others = {name: version for name, version in plugins.items() if name != "vaezoo"}
    versions = {"vaezoo": lock["vaezoo"], "torch": lock["torch"], "python": lock["python"]}
    facts = [
        ("Dataset", _component(spec["dataset"])),
        ("Latent dimensions", str(model["latent"])),
        *((part.capitalize(), _component(model[part])) for part in _MODEL_PARTS if part in model),
        *([("Condition", str(model["condition"]))] if "condition" in model else []),
        ("Loss", _component(spec["loss"])),
        *([("Sampler", _component(spec["sampler"]))] if "sampler" in spec else []),
        ("Optimizer", f"{_component(train['optimizer'])}, batches of {train['batch_size']}"),
        ("Held out", _held_out(train["validation"])),
        ("Epochs", _epochs(train["epochs"], entry.history)),
        ("Device", in_markdown(f"{_device(device)}, {lock['precision']}")),
        ("Seed", str(lock["seed"])),
        *_number_format(spec),
        ("Versions", in_markdown(", ".join(f"{n} {v}" for n, v in {**versions, **others}.items()))),
        *_checked(lock),
    ]
    return "## Training\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts)


def _device(device: dict[str, Any]) -> str:
    threads = device.get("threads")
    if threads is None:
        return f"{device['type']} ({device['name']})"
    return f"{device['type']} ({device['name']}, {threads} thread{'s' if threads > 1 else ''})"


def _checked(lock: dict[str, Any]) -> list[tuple[str, str]]:
    """The versions that recomputed the figures, if any."""
    if "checked" not in lock:
        return []
    versions = f"vaezoo {lock['checked']['vaezoo']}, torch {lock['checked']['torch']}"
    return [("Figures", f"recomputed and confirmed by {in_markdown(versions)}")]


def _number_format(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """The number format of the weights, if they were rounded."""
    number_format = spec.get("publish", {}).get("weights", "float32")
    if number_format == "float32":
        return []
    text = f"trained in float32, rounded to {number_format} after training"
    return [("Weights", f"{text}; all test figures are of the rounded weights")]


_MODEL_PARTS = ("encoder", "posterior", "topology", "decoder", "likelihood", "prior")


def _held_out(fraction: float) -> str:
    if not fraction:
        return "nothing"
    return f"{fraction:.0%} of the training images, chosen by the seed, for the validation ELBO"


def _epochs(planned: int, history: tuple[EpochRecord, ...]) -> str:
    if not history:
        return str(planned)
    last = history[-1]
    text = f"{len(history)} of {planned} in {duration(sum(r.seconds for r in history))}"
    if "objective" in last.train:
        text += f"; last epoch's training objective {last.train['objective']:.2f} nats"
    if last.validation and "elbo" in last.validation:
        text += f", validation ELBO {last.validation['elbo']:.2f} nats"
    return text


def _how_to_reproduce(entry: Entry, folder: str) -> str:
    # GPU kernels may change the order of sums between runs; CPU kernels do not.
    exact, seed = "", entry.lock["seed"]
    if _trained_on_cpu(entry):
        exact = "\nOn a CPU of the same architecture with the same number of threads, the weights\n"
        exact += "file is byte-identical."
    return f"""## Reproduce

```sh
vaezoo run {folder}spec.yaml
```

`{folder}spec.yaml` is in this folder. With the versions above and seed {seed} it trains this
model again.{exact}"""


def _trained_on_cpu(entry: Entry) -> bool:
    return bool(entry.lock["device"]["type"] == "cpu")


def shown_value(figure: Figure) -> str:
    """A figure's value as text, with its standard error if it has one."""
    error = figure.standard_error
    if error is not None and math.isfinite(error):
        # two significant digits of the error, and the same decimals for the value
        decimals = max(2, 1 - math.floor(math.log10(error))) if error > 0 else 2
        return f"{figure.value:.{decimals}f} ± {error:.{decimals}f}"
    return f"{figure.value:g}" if figure.value == round(figure.value, 2) else f"{figure.value:.2f}"


def _component(written: str | dict[str, Any]) -> str:
    if isinstance(written, str):
        return f"`{written}`"
    listed = _listed({name: value for name, value in written.items() if name != "use"})
    return f"`{written['use']}` ({listed})" if listed else f"`{written['use']}`"


def _listed(parameters: dict[str, Any]) -> str:
    """Parameters as text, without those that are not set."""
    given = {name: value for name, value in parameters.items() if value not in (None, [])}
    return ", ".join(f"{name} {_parameter(value)}" for name, value in given.items())


def _parameter(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{_listed(value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_parameter, value))}]"
    return in_markdown(str(value))


def _plain_use(written: str | dict[str, Any]) -> str:
    use: str = written if isinstance(written, str) else written["use"]
    return use.rpartition(":")[2]


def duration(seconds: float) -> str:
    """``1 h 4 min``, ``4 min 22 s`` or ``5.0 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    first, *others = ([_cell(cell) for cell in line] for line in (head, *rows))
    lines = [first, ["---"] * len(head), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _paragraphs(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _cell(text: str) -> str:
    """Text escaped for a table cell; a verdict at its start may be bold."""
    verdict = _VERDICT.match(text)
    bold = verdict[0] if verdict else ""
    return bold + in_markdown(text[len(bold) :], links=True)
