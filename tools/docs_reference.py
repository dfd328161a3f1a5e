"""Write the generated parts of ``docs/*.md`` from the spec's models, the registry and the hooks.

``python tools/docs_reference.py`` rewrites the pages. A test fails if one is out of date.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from docs_contract import contract, hooks
from docs_texts import EXAMPLES, INITIALIZERS
from docs_types import default, field_type, kind_anchor
from pydantic import BaseModel

from vaezoo.diagnostics.explanations import Example, Explanation, explanations
from vaezoo.diagnostics.explanations.page import paragraphs
from vaezoo.registry import KINDS, Component, discover
from vaezoo.registry.fields import Initializer, Schedule
from vaezoo.registry.fields.activation import ACTIVATIONS
from vaezoo.spec.spec import EarlyStopping, ModelSpec, PublishSpec, Spec, Target, TrainSpec
from vaezoo.spec.train_options import EMA, GradientClip, Groups, StartFrom

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SECTIONS: dict[str, tuple[str, type[BaseModel]]] = {
    "top": ("Top level", Spec),
    "model": ("`model`", ModelSpec),
    "train": ("`train`", TrainSpec),
    "early_stopping": ("`train.early_stopping`", EarlyStopping),
    "gradient_clip": ("`train.gradient_clip`", GradientClip),
    "ema": ("`train.ema`", EMA),
    "groups": ("`train.groups`", Groups),
    "start_from": ("`start_from`", StartFrom),
    "targets": ("`targets[]`", Target),
    "publish": ("`publish`", PublishSpec),
}


def built_in(kind: str) -> list[type[Component]]:
    """The built-in components of a kind, in the order of the registry."""
    found = discover().components(kind)
    return [one.component for one in found if one.plugin.name == "vaezoo"]


def keys() -> str:
    """Every key of a spec, section by section."""
    return "\n\n".join(
        f"### {title}\n\n{prose(model)}\n\n{fields_table(model, 'key')}"
        for title, model in SECTIONS.values()
    )


def components() -> str:
    """Every built-in component, kind by kind."""
    return "\n\n".join(
        f"### {kind_anchor(kind).capitalize()}\n\n" + "\n\n".join(map(component, built_in(kind)))
        for kind in KINDS
    )


def component(part: type[Component]) -> str:
    """A component's heading, docstring, parameters and example."""
    example = EXAMPLES.get((part.kind, part.use))
    if example is None:
        raise LookupError(f"add an example of the {part.kind} {part.use} to tools/docs_texts.py")
    table = fields_table(part, "parameter") if part.model_fields else "No parameters."
    return f"#### `{part.use}`\n\n{prose(part)}\n\n{table}\n\n```yaml\n{example}\n```"


def fields_table(model: type[BaseModel], noun: str) -> str:
    """A row for each field: type, range, default, description."""
    rows = []
    for name, field in model.model_fields.items():
        text = field_type(field)
        rows.append((f"`{name}`", text.type, text.range, default(field), description(field)))
    return table((noun, "type", "range", "default", "meaning"), rows)


def description(field: Any) -> str:
    """A field's description, or the first line of its section's docstring."""
    if field.description:
        return str(field.description)
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return prose(field.annotation).splitlines()[0]
    raise LookupError(f"the field {field} has no description")


def schedules() -> str:
    """The keys of a schedule."""
    rows = []
    for name, field in Schedule.model_fields.items():
        text = field_type(field)
        shape = text.type.startswith("list")
        values = "[first, …, last]" if name == "steps" else "[first, last]"
        kind, fallback = (values, "") if shape else (text.type, default(field))
        rows.append((f"`{name}`", kind, text.range, fallback, description(field)))
    return table(("key", "value", "range", "default", "meaning"), rows)


def activations() -> str:
    """A row for each activation, with its parameters."""
    rows = []
    for name, function in ACTIVATIONS.items():
        parameters = [
            f"`{key}`: {description(field)}; {_ranged(field)}, default {default(field)}"
            for key, field in function.model_fields.items()
        ]
        rows.append((f"`{name}`", prose(function), "; ".join(parameters)))
    return table(("name", "value", "parameters"), rows)


def _ranged(field: Any) -> str:
    text = field_type(field)
    return f"{text.type} {text.range}".strip()


def initializers() -> str:
    """A row for each initializer."""
    rows = [(f"`{name}`", INITIALIZERS[name]) for name in get_args(Initializer)]
    return table(("name", "weights"), rows)


def codes() -> str:
    """A table of all diagnostic codes, then a section for each."""
    rows = [
        (f"[{one.code}](#{one.code.lower()})", str(one.severity), one.title, one.advice)
        for one in explanations()
    ]
    head = ("code", "severity", "meaning", "what to do")
    return "\n\n".join([table(head, rows), *map(explanation, explanations())])


def explanation(one: Explanation) -> str:
    """One code: its title, meaning, a bad and a good example."""
    title = f"### {one.code}\n\n**{one.title[:1].upper()}{one.title[1:]}** ({one.severity})."
    meaning = [listing(part) for part in paragraphs(one.meaning)]
    bad, good = example_of_code(one.bad, " bad"), example_of_code(one.good, "")
    return "\n\n".join([title, *meaning, one.advice, "Bad:", bad, "Good:", good])


def listing(paragraph: str) -> str:
    """A paragraph as Markdown: indented formulas and tables in a fence."""
    if not paragraph.startswith("    "):
        return paragraph.replace("|", r"\|")
    return f"```text\n{textwrap.dedent(paragraph)}\n```"


def example_of_code(example: Example, mark: str) -> str:
    """An example in its fence. ``mark`` excludes a bad one from the tests of YAML."""
    beside = [
        f"```{'py' if name.endswith('.py') else 'yaml'}\n# {name}\n{text}\n```"
        for name, text in example.beside.items()
    ]
    return "\n\n".join([*beside, f"```{example.language}{mark}\n{example.text}\n```"])


def prose(documented: Any) -> str:
    """A docstring as Markdown. Raises LookupError for a class without one."""
    text = vars(documented).get("__doc__")
    if not text:
        raise LookupError(f"{documented} has no docstring")
    return inspect.cleandoc(text).replace("``", "`")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    escaped = [[cell.replace("``", "`").replace("|", r"\|") for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(list(head)), *escaped]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


@dataclasses.dataclass(frozen=True)
class Part:
    """A generated part of a page, between two markers."""

    page: str
    name: str
    write: Callable[[], str]


PARTS = (
    Part("spec.md", "keys", keys),
    Part("spec.md", "schedules", schedules),
    Part("spec.md", "activations", activations),
    Part("spec.md", "initializers", initializers),
    Part("spec.md", "components", components),
    Part("errors.md", "codes", codes),
    Part("plugins.md", "contract", contract),
    Part("plugins.md", "hooks", hooks),
)


def rewritten(page: str, text: str) -> str:
    """A page's text with its generated parts updated."""
    for part in (part for part in PARTS if part.page == page):
        pattern = rf"(<!-- {part.name}: [^\n]*-->\n).*?(<!-- end of {part.name} -->)"
        written = part.write().replace("\\", r"\\")
        text, found = re.subn(pattern, rf"\1\n{written}\n\n\2", text, flags=re.DOTALL)
        if found != 1:
            raise LookupError(f"{page} has {found} places for {part.name!r}, expected one")
    return text


if __name__ == "__main__":
    for name in dict.fromkeys(part.page for part in PARTS):
        path = DOCS / name
        path.write_text(rewritten(name, path.read_text("utf-8")), "utf-8")
