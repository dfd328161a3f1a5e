"""Files that GitHub, pre-commit and citation tools read are valid and agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

import vaezoo
from tests.docs.conftest import ROOT
from tests.test_imports import LAYERS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SCHEMAS = {
    "github-workflows": [".github/workflows/ci.yml"],
    "github-actions": ["action.yml"],
    "github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "github-issue-forms": [
        f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("bug", "feature", "plugin")
    ],
    "dependabot": [".github/dependabot.yml"],
    "citation-file-format": ["CITATION.cff"],
}


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_file_follows_its_schema(schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *SCHEMAS[schema]], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_versions_agree() -> None:
    assert vaezoo.__version__ == PROJECT["version"] == load("CITATION.cff")["version"]


def test_ci_runs_every_supported_python() -> None:
    matrix = load(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    prefix = "Programming Language :: Python :: "
    supported = [line for line in PROJECT["classifiers"] if line.startswith(prefix)]
    assert [prefix + version for version in matrix["python-version"]] == supported


def test_pre_commit_ids_are_those_of_the_docs() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert all(f"- id: {hook['id']}" in page for hook in load(".pre-commit-hooks.yaml"))


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_folders_are_listed_in_the_order_of_imports() -> None:
    listed = re.findall(r"^\| `(\w+)/` \|", CONTRIBUTING, re.MULTILINE)
    assert listed == [name for name in LAYERS if (ROOT / "vaezoo" / name).is_dir()]


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`([\w/]+(?:\.py|/))`", CONTRIBUTING))), ids=str
)
def test_path_in_contributing_exists(path: str) -> None:
    parents = (ROOT, ROOT / "vaezoo", ROOT / "vaezoo" / "training", ROOT / "vaezoo" / "runs")
    assert any((parent / path).exists() for parent in parents)
