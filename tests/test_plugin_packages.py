"""The plugin packages in ``plugins/``, without installing them."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import torch

from vaezoo import read, validate
from vaezoo.model import build
from vaezoo.registry import Batch, Registry, discover
from vaezoo.registry.discovery.packages import packages

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
LARGEST_FILE, LARGEST_PACKAGE, LARGEST_MEAN = 700_000, 900_000, 600_000

of_each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def module_of(folder: Path) -> str:
    """The module of its only entry point."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    [(plugin, module)] = project["entry-points"]["vaezoo"].items()
    assert plugin == project["name"] == folder.name
    return module


def registry_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(folder / "src")
    return discover([module_of(folder)], disabled=["*"])  # installed plugins


def committed(folder: Path) -> list[Path]:
    made = {"__pycache__", ".pytest_cache", "runs", "build", "dist"}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if not made & set(path.relative_to(folder).parts)]


def test_the_index_lists_every_package() -> None:
    assert sorted(p.distribution for p in packages()) == [folder.name for folder in FOLDERS]
    assert all(package.plugin == package.distribution for package in packages())


@of_each
def test_the_index_lists_the_components(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = registry_of(folder, monkeypatch)
    [listed] = [package for package in packages() if package.distribution == folder.name]
    own = [r for r in registry.components() if r.plugin.name == module_of(folder)]
    assert {(r.component.kind, r.component.use) for r in own} == listed.components


@of_each
def test_its_specs_are_valid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = registry_of(folder, monkeypatch)
    specs = sorted(folder.glob("specs/*.yaml"))
    assert specs
    for spec in specs:
        assert validate(spec, registry=registry) == ()


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("vaezoo-iwae/specs/mnist_iwae50_k5", [-85.54]),
        ("vaezoo-iwae/specs/mnist_iwae50_k50", [-84.78]),
        ("vaezoo-vampprior/specs/fashion_vamp40", []),
    ],
)
def test_an_untrained_spec_builds_and_trains(
    name: str, published: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "plugins" / f"{name}.yaml"
    spec = read(path, registry=registry_of(path.parents[1], monkeypatch))
    assert [target.value for target in spec.targets] == published
    model, images = build(spec), torch.rand(4, *spec.dataset.image_shape)
    terms = spec.loss.build()(model, Batch(images), {"beta": 1.0}, torch.Generator().manual_seed(0))
    terms["objective"].mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@of_each
def test_pictures_of_its_page_exist(folder: Path) -> None:
    page = (folder / "README.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page) if "://" not in link]
    assert any(link.endswith(".png") for link in links)
    for link in links:
        assert (folder / link).exists(), f"{folder.name}/README.md links to {link}"


def test_packages_are_small() -> None:
    sizes = {folder: [p.stat().st_size for p in committed(folder)] for folder in FOLDERS}
    assert all(max(of_one) <= LARGEST_FILE for of_one in sizes.values())
    assert all(sum(of_one) <= LARGEST_PACKAGE for of_one in sizes.values())
    assert sum(map(sum, sizes.values())) <= LARGEST_MEAN * len(FOLDERS)


def test_vaezoo_imports_no_plugin_package() -> None:
    theirs = {module_of(folder) for folder in FOLDERS}
    for path in ROOT.glob("vaezoo/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found = theirs & {name.partition(".")[0] for name in names}
            assert not found, f"{path} imports {found}"
