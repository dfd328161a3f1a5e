"""Generate the files that depend on the requested kinds: hooks, tests and the spec."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.registry import KINDS
from vaezoo.registry.scaffold.plugin_names import Names

#: The hooks in the template ``hooks.py``.
HOOKS = (
    "vaezoo_commands",
    "vaezoo_epoch_finished",
    "vaezoo_run_failed",
    "vaezoo_run_finished",
    "vaezoo_run_started",
)
#: The line length, as in the plugin's ``pyproject.toml``.
_WIDTH = 100
#: The built-in component of each kind, for kinds that the plugin lacks.
_BUILT_IN = {
    "dataset": "fashion_mnist",
    "encoder": "{use: mlp, hidden: [256]}",
    "posterior": "diagonal_gaussian",
    "topology": "single",
    "decoder": "{use: mlp, hidden: [256]}",
    "likelihood": "continuous_bernoulli",
    "prior": "standard_normal",
    "loss": "elbo",
    "optimizer": "{use: adam, lr: 1e-3}",
    "sampler": "prior",
}


def class_name(names: Names, kind: str) -> str:
    """The class name of the component of a kind."""
    return f"{names.title}{kind.capitalize()}"


def summary(names: Names, kinds: Sequence[str], hooks: bool) -> str:
    """One line about the plugin, without a period."""
    several = [f"{len(kinds)} components named {names.base}"] if kinds else []
    if len(kinds) == 1:
        several = [f"the {kinds[0]} {names.base}"]
    listed = " and ".join([*several, *(["a journal of every run"] if hooks else [])])
    return f"{listed[0].upper()}{listed[1:]}, for vaezoo"


def init(names: Names, kinds: Sequence[str], hooks: bool) -> str:
    """The code of ``__init__.py`` below its docstring."""
    imported = {kind: [class_name(names, kind)] for kind in kinds}
    exported = [*(HOOKS if hooks else ()), *(["vaezoo_components"] if kinds else [])]
    lines = ["", "from __future__ import annotations", ""]
    if kinds:
        lines += ["from vaezoo import Component, hookimpl", ""]
    for module, found in sorted((imported | ({"hooks": list(HOOKS)} if hooks else {})).items()):
        lines += _imported(f"{names.module}.{module}", found)
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in sorted(exported)), "]"]
    if kinds:
        lines += [
            "",
            "",
            "@hookimpl",
            "def vaezoo_components() -> list[type[Component]]:",
            '    """The components of this plugin."""',
            *_returned([class_name(names, kind) for kind in kinds]),
        ]
    return "\n".join(lines) + "\n"


def _returned(classes: Sequence[str]) -> list[str]:
    line = f"    return [{', '.join(classes)}]"
    if len(line) <= _WIDTH:
        return [line]
    return ["    return [", *(f"        {name}," for name in classes), "    ]"]


def tests(names: Names, kinds: Sequence[str]) -> str:
    """``tests/test_conformance.py``."""
    kits = ["PluginConformance", *(f"{kind.capitalize()}Conformance" for kind in kinds)]
    lines = [
        '"""Check the plugin with vaezoo\'s conformance kits, one class per component.',
        "",
        "Set `component` to the parameters to check; add a class for each other set.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *_imported("vaezoo.testing", sorted(kits)),
        "",
    ]
    for kind in sorted(kinds):
        lines += _imported(f"{names.module}.{kind}", [class_name(names, kind)])
    if kinds:
        lines.append("")
    lines += ["", "class TestPlugin(PluginConformance):", f'    plugin = "{names.distribution}"']
    for kind in kinds:
        name = class_name(names, kind)
        lines += [
            "",
            "",
            f"class Test{name}({kind.capitalize()}Conformance):",
            f"    component = {name}()",
        ]
    return "\n".join(lines) + "\n"


def _imported(module: str, names: Sequence[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def spec(names: Names, kinds: Sequence[str]) -> str:
    """``specs/BASE.yaml``: a model with every component of the plugin."""
    parts = {
        kind: names.base if kind in kinds else built_in for kind, built_in in _BUILT_IN.items()
    }
    metrics = ["elbo", "active_units", *([names.base] if "metric" in kinds else [])]
    pictures = ["loss_curves", "samples", "reconstructions"]
    pictures += [names.base] if "visualizer" in kinds else []
    return f"""\
vaezoo: 1
name: {names.base}
summary: A small model to try {names.distribution}
dataset: {parts["dataset"]}
model:
  latent: 8
  encoder: {parts["encoder"]}
  posterior: {parts["posterior"]}
  topology: {parts["topology"]}
  decoder: {parts["decoder"]}
  likelihood: {parts["likelihood"]}
  prior: {parts["prior"]}
loss: {parts["loss"]}
train:
  epochs: 10
  batch_size: 128
  optimizer: {parts["optimizer"]}
sampler: {parts["sampler"]}
metrics: [{", ".join(metrics)}]
visualizers: [{", ".join(pictures)}]
"""


def readme_parts(names: Names, kinds: Sequence[str], hooks: bool) -> str:
    """The list of components in the README."""
    lines = [
        f"- `{names.base}`, a{'n' if kind[0] in 'aeiou' else ''} {kind}: "
        f"[`src/{names.module}/{kind}.py`](src/{names.module}/{kind}.py)"
        for kind in sorted(kinds, key=list(KINDS).index)
    ]
    if hooks:
        path = f"src/{names.module}/hooks.py"
        lines.append(
            f"- hooks that follow runs, and `vaezoo {names.base}-journal`: [`{path}`]({path})"
        )
    return "\n".join(lines)
