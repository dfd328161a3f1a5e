"""The same hostile text goes to every output, and none of it acts there."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from vaezoo.cli.main import main
from vaezoo.diagnostics.printable import in_log, printable
from vaezoo.system import safetensors_io
from vaezoo.zoo import find
from vaezoo.zoo.header import sealed

#: A title for a terminal, colors, a turned direction, what cannot be seen, commands of a CI
#: system, markup, pictures, links and formulas.
TEXT = (
    "x\x1b]0;owned\x07\x1b[31mred\u202eevil\u200b\x9b2J\n::set-output name=a::b\r\n"
    "##[add-mask]c <script>alert(1)</script> ![p](http://evil.example/p.png) "
    "[l](https://evil.example) `code` | $x$ &amp; www.evil.example"
)
#: Folder names may hold no slash.
CLASSES = (
    "$x$ and $y$",
    "$\\frac{1$",
    "a\x1b[31m\n::error::x",
    "<script>",
    "\u202eabc\u200b",
    "😀 猫 שלום",
    "long " * 40,
)
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
COMMAND = re.compile(r"^[^\S\n]*::|##\[", re.MULTILINE)
#: Commands that vaezoo means.
MEANT = re.compile(r"^::(?:error|warning) file=.*\n", re.MULTILINE)

SPEC = {
    "vaezoo": 1,
    "name": "victim",
    "summary": TEXT,
    "dataset": {"use": "image_folder", "path": "pictures", "height": 8, "test_fraction": 0.25},
    "model": {
        "latent": 2,
        "encoder": {"use": "mlp", "hidden": [4]},
        "decoder": {"use": "mlp", "hidden": [4]},
    },
    "train": {"epochs": 1, "batch_size": 8, "validation": 0.2},
    "visualizers": [
        "loss_curves",
        "samples",
        "reconstructions",
        "latent_scatter",
        "interpolations",
        "manifold",
    ],
    "targets": [{"metric": "test/elbo", "value": -30, "tolerance": 1, "source": TEXT}],
    "ignore": ["VZ412", "VZ415", "VZ417"],
}

Shell = Callable[..., str]


@pytest.fixture
def shell(capfd: pytest.CaptureFixture[str]) -> Shell:
    """Runs a command as people do; gives all that it printed."""

    def run(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        out, err = capfd.readouterr()
        assert end.value.code in codes, (arguments, out, err)
        assert "fault in vaezoo" not in err
        return out + err

    return run


def is_harmless(text: str) -> None:
    """Nothing in what was printed acts on a terminal or on a CI system."""
    assert text.strip()
    assert not ACTIVE.findall(text)
    assert not COMMAND.findall(MEANT.sub("", text))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
    for name in ("VAEZOO_ZOO", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.slow
def test_a_model_with_hostile_text_from_training_to_the_report(folder: Path, shell: Shell) -> None:
    draw = np.random.default_rng(0)
    for name in CLASSES:
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{number}.png")
    (folder / "victim.yaml").write_text(json.dumps(SPEC))
    is_harmless(shell("run", "victim.yaml"))

    is_harmless(shell("zoo", "list"))
    is_harmless(shell("zoo", "show", "victim"))
    is_harmless(shell("verify", "victim", codes=(0, 1)))
    is_harmless(shell("evaluate", "victim"))
    is_harmless(shell("sample", "victim", "--n", "2"))
    is_harmless(shell("show", "victim"))
    is_harmless(shell("why", "victim", "summary"))
    is_harmless(shell("why", "victim", "targets"))
    is_harmless(shell("diff", "victim", "victim.yaml", codes=(0, 1)))
    is_harmless(shell("diff", "victim", "--set", "summary=other", codes=(0, 1)))
    entry = folder / "zoo" / "victim"
    is_harmless((entry / "spec.yaml").read_text())
    card_is_plain((entry / "README.md").read_text())
    is_harmless(shell("report", "victim", "--out", "report.html"))
    page_is_plain((folder / "report.html").read_text())


def card_is_plain(card: str) -> None:
    is_harmless(card)
    body = card.split("---\n", 2)[2]
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(body)
    assert "<script" not in page
    assert page.count("<table>") == 2  # figures and targets
    assert "<strong>" in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert not [source for source in sources if "evil" in source]
    # what was written is still there to be read
    shown = " ".join(html.unescape(re.sub("<[^>]*>", "", page)).split())
    assert "<script>alert(1)</script> ![p](http://evil.example/p.png) [l](https" in shown
    assert "`code` | $x$ &amp; www.evil.example" in shown


def page_is_plain(page: str) -> None:
    assert "<script" not in page
    assert not ACTIVE.findall(page)
    assert "evil.example" not in "".join(re.findall(r'(?:src|href)="[^"]*"', page))


def test_findings_in_every_format(folder: Path, shell: Shell) -> None:
    name = "a\x1b[31m\n::error::\u202e.yaml"
    wrong = {**SPEC, "name": TEXT, "loss": TEXT, TEXT: 1, "train": {TEXT: TEXT, "epochs": TEXT}}
    (folder / name).write_text(json.dumps(wrong))
    for form in ("text", "github", "sarif", "junit", "json"):
        text = shell("validate", name, "--format", form, codes=(1,))
        if form in ("text", "github"):
            is_harmless(text)
        elif form == "junit":
            ElementTree.fromstring(text.rpartition("</testsuites>")[0] + "</testsuites>")
            assert not ACTIVE.findall(text)
        else:
            assert json.loads(text)
            assert not ACTIVE.findall(text)
    is_harmless(shell("show", name, codes=(1,)))
    is_harmless(shell("run", name, codes=(1,)))
    is_harmless(shell("why", name, TEXT, codes=(1, 2)))
    is_harmless(shell("diff", name, name, codes=(1,)))


PLUGIN = """
from vaezoo import Loss, hookimpl

raise RuntimeError({text!r})
"""
DESCRIBED = """
from pydantic import Field

from vaezoo import Loss, hookimpl


class Strange(Loss, use="strange"):
    __doc__ = {text!r}

    weight: float = Field(1.0, description={text!r})

    def build(self):
        raise NotImplementedError


@hookimpl
def vaezoo_components():
    return [Strange]
"""


def test_plugins(folder: Path, shell: Shell) -> None:
    name = "b\x1b[31m\u202e.py"
    (folder / name).write_text(PLUGIN.format(text=TEXT))
    (folder / "good.py").write_text(DESCRIBED.format(text=TEXT))
    is_harmless(shell("plugins", "list", "--plugin", name, codes=(0, 3, 1)))
    is_harmless(shell("plugins", "list", "--plugin", "good.py"))
    is_harmless(shell("plugins", "show", "strange", "--plugin", "good.py"))
    is_harmless(shell("doctor", "--plugin", "good.py", codes=(0, 1)))


def test_a_component_name_cannot_have_control_characters(folder: Path, shell: Shell) -> None:
    (folder / "named.py").write_text(DESCRIBED.format(text="x").replace("strange", "a`\\x1b|"))
    text = shell("plugins", "list", "--plugin", "named.py", codes=(0, 1))
    assert "a name of letters, digits" in text
    is_harmless(text)


def test_names_of_entries_and_folders(folder: Path, shell: Shell) -> None:
    for name in ("a\x1b[31m", "b\n::error::x", "\u202ec", "аdmin"):
        (folder / "zoo" / name).mkdir(parents=True)
    text = shell("zoo", "list")
    is_harmless(text)
    assert "a\\x1b[31m: damaged" in text
    is_harmless(shell("verify", "--all", "--zoo", "zoo", "--help"))
    is_harmless(shell("zoo", "show", "a\x1b[31m", codes=(3,)))
    is_harmless(shell("zoo", "show", "nothing\x1b[31m\n::error::", codes=(2,)))
    is_harmless(shell("validate", "--\x1b[31m", codes=(2,)))


@pytest.mark.parametrize("recorded", ["../../outside", "/tmp/outside", "..", "a\x1b[31m", "аdmin"])
def test_names_in_weights_files(recorded: str, folder: Path, shell: Shell) -> None:
    """Outputs are called by the name that a weights file records."""
    path = folder / "inner" / "model.safetensors"
    path.parent.mkdir()
    tensors, texts = safetensors_io.load(find("fashion_mlp2").weights_path)
    spec = {**json.loads(texts["spec"]), "name": recorded}
    safetensors_io.save(path, tensors, sealed({**texts, "spec": json.dumps(spec)}))
    for command in ("sample", "show", "zoo show"):
        text = shell(*command.split(), str(path), codes=(3,))
        assert "name is not a valid entry name" in text
        is_harmless(text)
    assert {path.name for path in folder.iterdir()} <= {"inner", "cache"}


@pytest.mark.parametrize("text", [TEXT, *CLASSES])
def test_printable_text_says_what_was_there(text: str) -> None:
    assert printable(text).isprintable()
    assert "\n" not in printable(text)
    is_harmless(in_log(text))


def test_ordinary_text_stays_as_it_is() -> None:
    for text in (
        "β-VAE, ± 0.1 nats",
        "naïve Größe",
        "Ελληνικά",
        "日本語",
        "سلام",
        "a | b [0, 1] *",
    ):
        assert printable(text) == text
        assert in_log(text) == text
