"""Looking up a code, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from vaezoo.cli.commands import cli
from vaezoo.diagnostics import CODES, UsageError
from vaezoo.diagnostics.explanations import Example, explain, explanations
from vaezoo.diagnostics.explanations.page import listing, page


@pytest.fixture
def shell() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(cli, ["explain", *arguments])


@pytest.mark.parametrize("written", ["VZ203", "vz203", " Vz203 ", "203"])
def test_a_code_is_found_however_it_is_written(written: str) -> None:
    assert explain(written).code == "VZ203"


@pytest.mark.parametrize(
    ("written", "close"),
    [("VZ209", "VZ20"), ("V203", "VZ203"), ("VZ2O3", "VZ203"), ("VZ999", None), ("", None)],
)
def test_a_code_that_is_not_there_suggests_the_nearest(written: str, close: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        explain(written)
    hint = caught.value.diagnostics[0].hint
    assert (
        hint.startswith(f"did you mean {close}") if close else hint.startswith("'vaezoo explain'")
    )


def test_a_page_has_everything() -> None:
    one = explain("VZ206")
    text = page(one)
    for part in ("error[VZ206]: base spec", one.advice[:30], "Bad:", "Good:", "# bases/mlp.yaml"):
        assert part in text
    assert "    extends: bases/mlp.yaml" in text
    assert max(map(len, text.splitlines())) <= 80


def test_formulas_keep_their_lines() -> None:
    text = page(explain("VZ413"), width=40)
    assert "    σ                     0.005    0.02   learned     0.5     1.0     3.0\n" in text
    prose = [line for line in text.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= 60


def test_examples_keep_their_lines_however_narrow() -> None:
    one = replace(explain("VZ206"), bad=Example("name: " + "x" * 200))
    assert "    name: " + "x" * 200 in page(one, width=20)


def test_colour_is_laid_over_the_same_text() -> None:
    import re

    one = explain("VZ412")
    coloured = page(one, color=True)
    assert "\033[1;33mwarning[VZ412]" in coloured
    assert re.sub(r"\033\[[\d;]*m", "", coloured) == page(one)


def test_the_list_has_every_code_under_its_group() -> None:
    lines = listing(explanations()).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(CODES)
    assert lines[0] == "YAML"
    assert "The zoo" in lines


def test_the_command_shows_several_codes(shell) -> None:
    result = shell("VZ203", "vz411")
    assert result.exit_code == 0
    assert "error[VZ203]" in result.output
    assert "warning[VZ411]" in result.output


def test_the_command_alone_lists_all(shell) -> None:
    assert shell().output == listing(explanations()) + "\n"


def test_the_command_gives_json(shell) -> None:
    (one,) = json.loads(shell("--json", "VZ302").output)
    assert one["code"] == "VZ302"
    assert one["severity"] == "error"
    assert one["bad"]["beside"].keys() == {"one.py", "two.py"}
    assert len(json.loads(shell("--json").output)) == len(CODES)


def test_an_unknown_code_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    from vaezoo.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["explain", "VZ2O3"])
    assert ended.value.code == 2
    assert "did you mean VZ203?" in capsys.readouterr().err
