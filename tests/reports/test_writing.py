"""From names to a file, and what may keep a report from being written."""

import os
import shutil
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner

import vaezoo
from tests.reports.conftest import shipped
from tests.reports.test_reports import check_html, read
from vaezoo.cli.commands import cli
from vaezoo.registry import EvaluationContext, Split, discover
from vaezoo.reports.blocks import Paragraph, Picture, ReportDocument, Section, Table, plain, prose
from vaezoo.reports.html import to_html
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.pdf import to_pdf
from vaezoo.reports.subject import subject
from vaezoo.zoo.search import shipped_folder

HOSTILE = '<script>"#$*_`@\\ &amp; [x](y) #image("z") {a} \u2028 é 汉 $x$'


def test_hostile_text_stays_text():
    line = prose("{it} `{it}` **{it}**", it=HOSTILE)
    table = Table((plain(HOSTILE),), ((plain(HOSTILE),),), "l", plain(HOSTILE))
    document = ReportDocument(HOSTILE, line, (Section(HOSTILE, (Paragraph(line), table)),))
    page = to_html(document)
    assert "script" not in read(page).tags
    assert to_pdf(document).startswith(b"%PDF")


def test_reports_load_whatever_the_users_backend_is():
    """Jupyter names a backend to all processes that it starts; few of them have it."""
    environment = {**os.environ, "MPLBACKEND": "not-installed"}
    command = [sys.executable, "-c", "import vaezoo; vaezoo.report"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_writes_where_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["report", "mnist_mlp2", "--zoo", str(shipped_folder())])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == "mnist_mlp2-report.html"
    check_html((tmp_path / "mnist_mlp2-report.html").read_text("utf-8"))


def test_a_pdf_needs_no_suffix_and_contradicts_another():
    result = CliRunner().invoke(cli, ["report", "mnist_mlp2", "--pdf", "--out", "a.html"])
    assert result.exit_code == 2
    assert "does not end in .pdf" in result.output


def test_a_file_of_another_kind_is_refused_before_anything_is_loaded():
    with pytest.raises(vaezoo.VaezooError, match=r"VZ503.*\n.*\.html or \.pdf"):
        vaezoo.report("no_such_entry", out="report.docx")


def test_without_typst_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(vaezoo.VaezooError, match=r"pip install 'vaezoo\[pdf\]'"):
        vaezoo.report("no_such_entry", out="report.pdf")


def test_an_unwritable_place_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(vaezoo.VaezooError, match="VZ503"):
        vaezoo.report(shipped_folder() / "mnist_mlp2", out=tmp_path / "file" / "report.html")


@pytest.mark.slow
def test_a_report_on_a_weights_file_says_what_is_missing(tmp_path):
    path = tmp_path / "alone.safetensors"
    shutil.copy(shipped_folder() / "mnist_mlp2" / "model.safetensors", path)
    page = to_html(report_of(subject(path, None, "cpu", discover())))
    check_html(page)
    assert "weights file alone" in page
    assert "No figures are recorded" in page


def test_without_its_images_an_entry_shows_what_it_stored():
    whole = shipped("mnist_mlp2")
    blank = Split(torch.zeros(0, 1, 28, 28, dtype=torch.uint8))
    context = EvaluationContext(whole.name, whole.context.spec, whole.model, blank, "test", ())
    bare = type(whole)(whole.entry, whole.model, context, whole.registry, "the disk is gone")
    document = report_of(bare)
    assert "the disk is gone" in to_html(document)
    picture = bare.picture("latent_scatter", "Means.", 0.5, "means", {})
    assert isinstance(picture, Picture)
    assert picture.data == (whole.entry.path / "figures" / "latent_scatter.png").read_bytes()
    assert bare.picture("no_such_visualizer", "Nothing.", 0.5, "nothing", {}) is None
