"""Everything can be supplied from outside: all kinds, all hooks, with public names alone."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import vaezoo
from tests.registry.installed import GOOD, ROOT, Site
from vaezoo.cli.commands import cli
from vaezoo.registry import KINDS, discover, hookspecs

NAME = "outside"
PLUGIN = Path(__file__).parent / "outside.py"
SPEC = """\
vaezoo: 1
name: from_outside
dataset: outside
model:
  latent: 2
  encoder: outside
  posterior: outside
  topology: outside
  decoder: outside
  likelihood: outside
  prior: outside
loss: outside
train: {epochs: 2, batch_size: 16, validation: 0.25, optimizer: outside}
sampler: outside
metrics: [outside]
visualizers: [outside]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the spec in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported below ``tree``, those for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_the_plugin_needs_no_name_of_vaezoo_but_public_ones() -> None:
    tree = ast.parse(PLUGIN.read_text("utf-8"))
    assert {name for name in imports(tree) if name.startswith("vaezoo")} == {"vaezoo"}
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in taken if node.module == "vaezoo" for alias in node.names}
    assert names <= set(vaezoo.__all__)


def test_all_kinds_and_hooks_from_one_file(folder: Path) -> None:
    done = invoke("run", "spec.yaml", "--device", "cpu", "--plugin", str(PLUGIN))
    assert done.exception is None, done.output
    told = [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]
    assert [line["hook"] for line in told] == [
        "vaezoo_run_started",
        "vaezoo_epoch_finished",
        "vaezoo_epoch_finished",
        "vaezoo_run_finished",
    ]
    started, first, second, finished = told
    assert started["spec"] == "from_outside"
    assert started["plugins"] == [NAME]  # nothing of vaezoo's own is in the model
    assert started["parameters"] == first["parameters"] > 0
    assert [first["epoch"], second["epoch"]] == [1, 2]
    assert first["train"].keys() >= {"objective", "reconstruction", "kl", "elbo"}
    assert first["reconstructed"] == [3, 1, 4, 4]
    assert first["weights_moved"]
    assert (folder / finished["path"] / "model.safetensors").is_file()
    assert finished["figures"] == {"test/outside": pytest.approx(0.5, abs=0.5)}
    assert [Path(path).name for path in finished["pictures"]] == ["outside.png"]


def test_the_plugin_has_all_kinds_and_hooks() -> None:
    supplied = [r.component for r in discover([str(PLUGIN)]).components() if r.plugin.name == NAME]
    assert {component.kind for component in supplied} == set(KINDS)
    hooks = {name for name in vars(hookspecs) if name.startswith("vaezoo_")}
    functions = ast.parse(PLUGIN.read_text("utf-8")).body
    assert {f.name for f in functions if isinstance(f, ast.FunctionDef)} >= hooks
    assert len(hooks) == 6


def test_a_failed_run_is_passed_to_the_hook(folder: Path) -> None:
    arguments = ["--plugin", str(PLUGIN), "run", "spec.yaml", "--device", "cpu"]
    done = invoke(*arguments, "--set", "train.optimizer={use: sgd, lr: 1e30}")
    assert done.exception is not None
    last = json.loads((folder / "told.jsonl").read_text().splitlines()[-1])
    assert last == {"hook": "vaezoo_run_failed", "error": "DivergenceError"}


def test_a_command_from_outside(folder: Path) -> None:
    (folder / "told.jsonl").write_text("{}\n{}\n")
    assert "outside-told  Count what was told." in invoke("--plugin", str(PLUGIN), "--help").output
    assert invoke("--plugin", str(PLUGIN), "outside-told").output == "2 lines\n"
    assert invoke("outside-told", "--plugin", str(PLUGIN)).output == "2 lines\n"
    assert "No such command" in invoke("outside-told").output


def test_options_of_vaezoo_may_follow_the_command(folder: Path) -> None:
    assert "VZ301" in invoke("validate", "spec.yaml").output
    found = invoke("validate", "spec.yaml", f"--plugin={PLUGIN}")
    assert found.output == "1 spec is valid\n"
    assert "requires an argument" in invoke("validate", "spec.yaml", "--plugin").output
    # what stands behind -- is an argument of the command's own
    assert "--plugin" in invoke("validate", "--", "spec.yaml", "--plugin").output


def test_the_core_knows_the_built_in_parts_by_their_entry_point_alone() -> None:
    importing = {
        room
        for path in (ROOT / "vaezoo").rglob("*.py")
        if (room := path.relative_to(ROOT / "vaezoo").parts[0]) != "components"
        for module in imports(ast.parse(path.read_text("utf-8")))
        if module.startswith("vaezoo.components")
    }
    assert importing == set()


@pytest.mark.parametrize(
    ("place", "use", "package"),
    [
        ("model.encoder", "residual", "vaezoo-resnet"),
        ("model.prior", "vampprior", "vaezoo-vampprior"),
        ("loss", "iwae", "vaezoo-iwae"),
    ],
)
def test_a_spec_says_what_to_install(place: str, use: str, package: str) -> None:
    spec = str(ROOT / "specs" / "fashion_mlp2.yaml")
    done = invoke("--no-plugins", "validate", spec, "--set", f"{place}={use}")
    kind = place.rpartition(".")[2]
    assert f"error[VZ304]: the {kind} {use!r} needs the plugin {package}" in done.output
    assert f"pip install {package}" in done.output or "disabled" in done.output


@pytest.mark.slow
def test_two_plugins_with_one_component_name_through_the_command(site: Site) -> None:
    """An error that shows both until the spec says which one; the other specs go on."""
    for name in ("one-wide", "two-wide"):
        site.install(name, GOOD.replace('use="{module}"', 'use="wide"'))
    (site.folder.parent / "spec.yaml").write_text(
        "vaezoo: 1\nname: wide\ndataset: fashion_mnist\n"
        "model: {latent: 2, encoder: wide, decoder: mlp, likelihood: continuous_bernoulli}\n"
        "train: {epochs: 3}\n"
    )
    done = site.vaezoo("validate", "spec.yaml")
    assert done.code == 1
    assert "error[VZ302]: several plugins have the encoder 'wide'" in done.out
    assert "one-wide:wide" in done.out
    assert "two-wide:wide" in done.out
    assert "spec.yaml:4:" in done.out
    chosen = site.vaezoo("validate", "spec.yaml", "--set", "model.encoder={use: 'two-wide:wide'}")
    assert chosen.code == 0, chosen.out
    listed = site.vaezoo("plugins", "list").out
    assert "shared name: write one-wide:wide" in listed
    assert site.vaezoo("validate", "spec.yaml", "--set", "model.encoder=mlp").code == 0


def test_two_distributions_with_one_plugin_name(site: Site) -> None:
    site.install("same-name")
    other = site.install("other-dist")
    points = next(site.folder.glob("other_dist-*.dist-info")) / "entry_points.txt"
    points.write_text("[vaezoo]\nsame-name = other_dist.plugin\n")
    assert other.is_dir()
    plugins = json.loads(site.vaezoo("plugins", "list", "--json").out)["plugins"]
    found = [plugin for plugin in plugins if plugin["name"].startswith("same-name")]
    assert len(found) == 2
    assert sorted(plugin["distribution"] for plugin in found) == ["other-dist", "same-name"]
    assert [plugin for plugin in found if plugin["error"]]
