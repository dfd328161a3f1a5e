"""Files: the good ones fit the schema; those that vaezoo refuses for what it knows do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from tests.docs.conftest import Block, blocks, write_named
from tests.spec.json_schema.conftest import errors
from tests.spec.test_bad_specs import CASES, FOLDER, overrides_in
from vaezoo.diagnostics import SpecError
from vaezoo.registry import Registry, discover
from vaezoo.spec import validate
from vaezoo.spec.document import load_document
from vaezoo.spec.json_schema import as_json, schema

ROOT = Path(__file__).parent.parent.parent.parent
SPECS = sorted(ROOT.glob("specs/*.yaml"))
#: Refused by vaezoo for reasons beyond any schema of a single file's JSON data.
BEYOND = {
    "extends_bad_base": "the fault is in the base",
    "extends_cycle": "in other files",
    "extends_missing": "in the folder",
    "extends_outside": "in the folder",
    "group_bad_value": "the settings of a group are those of the optimizer that another key names",
    "group_unknown_parameter": "the parameters of a group depend on the optimizer",
    "matrix_key_of_some_members": "which keys fit depends on another one's values",
    "matrix_missing_item": "the length of a list elsewhere in the file",
    "matrix_of_a_base": "the fault is in the base",
    "matrix_same_spec": "two ways to write one thing",
    "matrix_too_many": "the product of lengths",
    "not_finite": "JSON has no such numbers",
}


def data_in(path: Path) -> Any:
    """What a file says; None where it is no YAML."""
    try:
        return load_document(path)[0].data()
    except SpecError:
        return None


@pytest.mark.slow
def test_check_jsonschema_accepts_the_shipped_specs(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(as_json(document))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(path)]
    good = subprocess.run([*command, *map(str, SPECS)], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "ok -- validation done\n"), good.stdout
    bad = subprocess.run(
        [*command, str(FOLDER / "out_of_range.yaml")], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 1
    assert "$.train.validation" in bad.stdout


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_shipped_spec_fits(path: Path, checker: Draft202012Validator) -> None:
    assert errors(checker, data_in(path)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")),
    ids=lambda folder: folder.name,
)
def test_the_specs_of_a_plugin_package_fit_with_its_components(folder: Path) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    (module,) = project["entry-points"]["vaezoo"].values()
    printed = subprocess.run(
        [sys.executable, "-m", "vaezoo", "--plugin", module, "schema"],
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        check=True,
    )
    checker = Draft202012Validator(json.loads(printed.stdout))
    for path in folder.glob("specs/*.yaml"):
        assert errors(checker, data_in(path)) == [], path


@pytest.fixture(scope="module")
def of_the_pages(tmp_path_factory: pytest.TempPathFactory) -> Draft202012Validator:
    """A checker that knows the components of the pages about plugins, too."""
    folder = tmp_path_factory.mktemp("plugins")
    listings = write_named(blocks("python", "plugins.md"), folder)
    return Draft202012Validator(schema(discover(list(map(str, listings)))))


@pytest.mark.parametrize(
    "block", [block for block in blocks("yaml") if block.page != "errors.md"], ids=str
)
def test_the_specs_of_the_pages_fit(
    block: Block, of_the_pages: Draft202012Validator, tmp_path: Path
) -> None:
    path = tmp_path / "this.yaml"
    whole = "vaezoo: 1" in block.text or "extends: " in block.text
    path.write_text(block.text if whole else f"extends: base.yaml\n{block.text}", "utf-8")
    assert errors(of_the_pages, data_in(path)) == []


def refused_for_the_schema(case: str, registry: Registry) -> bool:
    """Whether vaezoo refuses a bad spec for a name, a type, a range or a key."""
    path = FOLDER / f"{case}.yaml"
    found = validate(path, overrides=overrides_in(path), registry=registry)
    return any(finding.code.startswith(("VZ2", "VZ3")) for finding in found)


REGISTRY = discover()
REFUSED = [
    case
    for case in CASES
    if data_in(FOLDER / f"{case}.yaml")
    and not overrides_in(FOLDER / f"{case}.yaml")
    and refused_for_the_schema(case, REGISTRY)
]


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_vaezoo_rejects_does_not_fit_the_schema(
    case: str, checker: Draft202012Validator
) -> None:
    data = data_in(FOLDER / f"{case}.yaml")
    assert bool(errors(checker, data)) == (case not in BEYOND)


def test_nothing_is_excused_in_vain() -> None:
    assert set(BEYOND) <= set(REFUSED)
    assert len(REFUSED) - len(BEYOND) >= 40


def test_what_vaezoo_accepts_fits(checker: Draft202012Validator) -> None:
    """Contradictions, shapes and what the lint says are beyond the schema, so it lets them be."""
    for case in sorted(set(CASES) - set(REFUSED)):
        path = FOLDER / f"{case}.yaml"
        assert not data_in(path) or errors(checker, data_in(path)) == [], case


@pytest.mark.slow
def test_a_draft_7_checker_gives_the_same_result(
    document: dict[str, Any], checker: Draft202012Validator
) -> None:
    older = Draft7Validator(document)
    for path in [*SPECS, *(FOLDER / f"{case}.yaml" for case in CASES)]:
        data = data_in(path)
        assert [e.json_path for e in older.iter_errors(data)] == [
            e.json_path for e in checker.iter_errors(data)
        ], path
