"""Hooks of mkdocs: pages made from other files, links that work on GitHub too, math as MathML.

``mkdocs build --strict`` calls them; see ``hooks`` in mkdocs.yml.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import vaezoo

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "https://github.com/vaezoo/vaezoo/blob/main/"
#: Files outside of docs/ that are pages of the site.
MOVED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s#]+)")
FENCE = re.compile(r"^( *```\w+) [^\n]+$", re.MULTILINE)
#: MathML that browsers draw wrong: alphabets by attribute, and functions without a space.
MATHML = {
    '<mi mathvariant="script">N</mi>': "<mi>𝒩</mi>",
    '<mi mathvariant="double-struck">E</mi>': "<mi>𝔼</mi>",
    "<mi>log</mi>": '<mi>log</mi><mspace width="0.17em"/>',
}
MATH = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
#: The public names, in the order of the page on the Python API.
API = {
    "Specs": "read validate expand schema repair Repair why diff Spec TrainSpec",
    "Training and reports": "run sweep sweep_on_ray report",
    "Trained models": "load VAE evaluate verify Entry",
    "Look, export, share": "explore explore_model build_gallery export push pull",
    "Errors": "VaezooError DataError Diagnostic",
    "Base classes of components": (
        "Component Dataset Encoder Posterior Topology Decoder Likelihood Prior Loss Optimizer "
        "Sampler Metric Visualizer"
    ),
    "Distributions and traces": "LatentDistribution DiagonalGaussian Trace Site Inference",
    "Interfaces of modules": (
        "PosteriorModule TopologyModule LikelihoodModule PriorModule BoundPrior LossModule "
        "SamplerModule BoundSampler InitializedByData"
    ),
    "Field types": "Activation Initializer Positive NonNegative Schedule value_at",
    "Data": (
        "ImageShape LatentSpace ImageData Split Batch DataFacts Binarization ImageClassifier "
        "images_on_disk ImageWriter TrainingImages"
    ),
    "Figures": "Figure Quantity Definition EvaluationContext EncodedPicture",
    "Hooks and packages": "hookimpl RunInfo EpochRecord PublishedEntry new_plugin",
}


def on_config(config: MkDocsConfig) -> None:
    """Make the same anchors of headings as GitHub."""
    config.mdx_configs["toc"]["slugify"] = anchor


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from other files."""
    pages = {new: from_root((ROOT / old).read_text("utf-8")) for old, new in MOVED.items()}
    pages |= {"api.md": api(), "models.md": models()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Add a gallery of the trained models of this repository."""
    zoos = [ROOT / "zoo", *sorted(ROOT.glob("plugins/*/zoo"))]
    vaezoo.build_gallery(*zoos, out=Path(config.site_dir) / "gallery" / "zoo", title="Models")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Send links that leave docs/ to GitHub, and drop the marks that tests read in fences."""
    return FENCE.sub(r"\1", LINK.sub(_on_site, markdown))


def on_page_content(content: str, **_: Any) -> str:
    """Write formulas as MathML, which browsers draw without a script."""
    return MATH.sub(_mathml, content)


def anchor(heading: str, separator: str) -> str:
    """A heading's anchor on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def api() -> str:
    """A page with every name of ``vaezoo.__all__``. Raises LookupError if one is missing."""
    listed = {name for names in API.values() for name in names.split()}
    if listed != set(vaezoo.__all__):
        raise LookupError(f"correct in tools/docs_site.py: {listed ^ set(vaezoo.__all__)}")
    text = ["# Python API", "Everything here is imported from `vaezoo`."]
    for title, names in API.items():
        text += [f"## {title}", *(f"::: vaezoo.{name}" for name in names.split())]
    return "\n\n".join(text)


def models() -> str:
    """The tables of models in the README, and a link to their gallery."""
    readme = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"^## The models\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    if not found:
        raise LookupError("README.md has no section 'The models'")
    gallery = '<p><a href="../gallery/zoo/index.html">The same models with their pictures</a></p>'
    return f"# Models\n\n{gallery}\n{from_root(found[1])}"


def from_root(text: str) -> str:
    """Text of a file in the repository's root, with links as a page in docs/ writes them."""
    text = text.replace("<details>", '<details markdown="1">')  # Markdown inside, as on GitHub
    return LINK.sub(lambda m: f"{m[1]}../{m[2]}".replace("](../docs/", "]("), text)


def _on_site(match: re.Match[str]) -> str:
    opening, target = match.groups()
    if not target.startswith("../"):
        return opening + target
    target = target.removeprefix("../")
    return opening + MOVED.get(target, SOURCE + target)


def _mathml(match: re.Match[str]) -> str:
    display = "block" if match[1] == "div" else "inline"
    formula = convert(html.unescape(match[2]).strip(), display=display)
    for wrong, right in MATHML.items():
        formula = formula.replace(wrong, right)
    return formula
