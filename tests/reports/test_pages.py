"""What a browser makes of a report: on a phone, and on paper. Needs Chromium."""

import io
import json
import re
import shutil
import subprocess
from html import escape, unescape

import pypdf
import pytest

from tests.reports.conftest import report_on
from vaezoo.reports.html import to_html
from vaezoo.reports.pdf import to_pdf

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: measures the page once it is laid out, and leaves what it found in it
MEASURE = """<script>
const name = e => e.className.baseVal ?? e.className;
const right = e => e.getBoundingClientRect().right;
const found = {
  width: innerWidth,
  page: document.documentElement.scrollWidth,
  beyond: [...document.querySelectorAll(".math, .formula span, figure img, pre, p, figcaption")]
    .filter(e => right(e) > innerWidth).map(name),
  keys: [...document.querySelectorAll("td.key code")].map(
    e => [e.textContent, e.getClientRects().length]),
};
parent.document.body.dataset.found = JSON.stringify(found);
</script></body>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


def browse(folder, page, *flags):
    """Chromium on a page of its own; what it writes to standard output."""
    (folder / "page.html").write_text(page, "utf-8")
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", "--hide-scrollbars"),
            f"--user-data-dir={folder / 'profile'}",
            *flags,
            f"file://{folder / 'page.html'}",
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    return done.stdout.decode("utf-8")


def measured(folder, page, width):
    """The page in a frame, since the narrowest window of a browser is wider than a phone."""
    inner = escape(page.replace("</body>", MEASURE))
    style = f"width: {width}px; height: 2000px; border: 0"
    outer = f'<body><iframe style="{style}" srcdoc="{inner}"></iframe></body>'
    dom = browse(folder, outer, "--window-size=1400,2100", "--dump-dom")
    return json.loads(unescape(re.search(r'<body data-found="([^"]*)"', dom)[1]))


@pytest.mark.parametrize(
    "names", [("fashion_conv12",), ("mnist_nvae5",), ("fashion_beta1", "fashion_beta4")]
)
def test_nothing_is_cut_on_a_phone(names, tmp_path):
    found = measured(tmp_path, to_html(report_on(*names)), 390)
    assert found["width"] == 390
    assert found["page"] <= 390
    assert found["beyond"] == []


def test_keys_of_a_comparison_stand_on_one_line(tmp_path):
    page = to_html(report_on("fashion_beta1", "fashion_beta4"))
    assert ["loss.beta", 1] in measured(tmp_path, page, 1200)["keys"]


@pytest.mark.parametrize(
    "names", [("fashion_conv12",), ("mnist_nvae5",), ("fashion_beta1", "fashion_beta4")]
)
def test_a_printed_page_has_no_more_sheets_than_the_pdf(names, tmp_path):
    document = report_on(*names)
    out = tmp_path / "printed.pdf"
    browse(tmp_path, to_html(document), "--no-pdf-header-footer", f"--print-to-pdf={out}")
    sheets = len(pypdf.PdfReader(out).pages)
    assert sheets == len(pypdf.PdfReader(io.BytesIO(to_pdf(document))).pages) == 2
