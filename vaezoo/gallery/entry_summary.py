"""What pages on several entries show of each: ``EntrySummary``, also the data of ``index.json``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from vaezoo.registry import Figure, Metrics
from vaezoo.registry.quantity import Better, Role
from vaezoo.registry.verdicts import TargetResult, in_words
from vaezoo.spec.spec import ModelSpec, Spec
from vaezoo.zoo import Entry
from vaezoo.zoo.model_card import shown_value

#: Keys of a spec that tell families apart: where one is not its default, it names the family.
_KEYS_OF_MODEL = ("topology", "posterior", "prior")
_KEYS_OF_SPEC = ("loss", "sampler")
PLAIN_FAMILY = "plain"


@dataclass(frozen=True)
class ShownFigure:
    """A recorded figure with its protocol; ``text`` is its value with its standard error."""

    name: str
    label: str
    value: float
    standard_error: float | None
    text: str
    unit: str
    better: Better | None
    role: str | None
    split: str
    likelihood: str
    binarisation: str
    samples: int
    examples: int
    note: str


@dataclass(frozen=True)
class ShownTarget:
    """A published figure, and the verdict on it in words."""

    metric: str
    value: float
    tolerance: float
    figure: float
    source: str
    verdict: str
    words: str
    note: str


@dataclass(frozen=True)
class ShownPicture:
    """A picture of an entry: its file in the entry's folder of the site, its size in pixels."""

    title: str
    file: str
    width: int
    height: int


@dataclass(frozen=True)
class Tiles:
    """Samples cut out of a picture, without margins and titles: a file and its size in pixels.

    ``scale`` is the whole factor by which pages enlarge it.
    """

    file: str
    width: int
    height: int
    scale: int


@dataclass(frozen=True)
class SpecSetting:
    """A setting of a spec: its path, such as ``model.encoder.hidden``, and its value as text."""

    key: str
    text: str


@dataclass(frozen=True)
class PageLink:
    """An extra page of an entry, a file in the entry's folder of the site."""

    title: str
    file: str


@dataclass(frozen=True)
class EntrySummary:
    """An entry as the wall, the plots, the comparison and ``index.json`` show it.

    ``slug`` is its folder in the site, ``zoo`` the folder that it was found in commands
    write it.
    """

    name: str
    slug: str
    summary: str
    zoo: str
    dataset: str
    data_digest: str
    test_is_trained_on: bool
    latent: tuple[int, ...]
    families: tuple[str, ...]
    likelihood: str
    plugins: tuple[str, ...]
    weights_digest: str
    bytes: int
    license: str | None
    figures: tuple[ShownFigure, ...]
    targets: tuple[ShownTarget, ...]
    pictures: tuple[ShownPicture, ...]
    tiles: Tiles | None
    spec: tuple[SpecSetting, ...]
    pages: tuple[PageLink, ...]

    @property
    def latents(self) -> int:
        """The number of latents."""
        return math.prod(self.latent)

    @property
    def latent_text(self) -> str:
        """Such as ``12`` or ``7×7``."""
        return "×".join(map(str, self.latent))

    @property
    def special_families(self) -> tuple[str, ...]:
        """The families, none for a plain model."""
        return tuple(family for family in self.families if family != PLAIN_FAMILY)

    def of_role(self, role: Role) -> ShownFigure | None:
        """The first finite test figure of a role."""
        found = (f for f in self.figures if f.split == "test" and f.role == role)
        return next((f for f in found if math.isfinite(f.value)), None)

    @property
    def verdict(self) -> Literal["reproduced", "not reproduced"] | None:
        """Whether all published figures are reproduced; None without any."""
        if not self.targets:
            return None
        met = all(target.verdict == "reproduced" for target in self.targets)
        return "reproduced" if met else "not reproduced"

    @property
    def verdict_words(self) -> str:
        """The verdict in words, with the difference of the first that is not reproduced."""
        missed = (one.words for one in self.targets if one.verdict != "reproduced")
        return next(missed, "reproduced")


def shown_figures(metrics: Metrics) -> tuple[ShownFigure, ...]:
    """The figures in the order of the evaluation."""
    return tuple(_figure(figure) for figure in metrics.figures)


def shown_targets(metrics: Metrics) -> tuple[ShownTarget, ...]:
    """The targets with their verdicts."""
    return tuple(_target(target) for target in metrics.targets)


def families_of(entry: Entry) -> tuple[str, ...]:
    """What sets a model apart from the spec's defaults, such as ``top_down``.

    The names of its parts, and ``conditional``; ``plain`` if nothing does.
    """
    spec, model = entry.spec_data, entry.spec_data["model"]
    written = [(model.get(key), ModelSpec.model_fields[key].default) for key in _KEYS_OF_MODEL]
    written += [(spec.get(key), Spec.model_fields[key].default) for key in _KEYS_OF_SPEC]
    found = [use_of(value) for value, default in written if value and use_of(value) != default]
    found += ["conditional"] if model.get("condition") else []
    return tuple(dict.fromkeys(found)) or (PLAIN_FAMILY,)


def use_of(written: Any) -> str:
    """The name of a component in a spec, which need not be valid, without its package."""
    use = written.get("use") if isinstance(written, dict) else written
    return str(use).rpartition(":")[2]


def latent_of(entry: Entry) -> tuple[int, ...]:
    """The shape of the latents."""
    latent = entry.spec_data["model"]["latent"]
    return (latent,) if isinstance(latent, int) else tuple(latent)


def plugins_needed(entry: Entry) -> tuple[str, ...]:
    """The distributions of the entry's components besides vaezoo."""
    named = {row["distribution"] for row in entry.lock["components"]}
    return tuple(sorted(name for name in named if name and name != "vaezoo"))


def license_of(entry: Entry) -> str | None:
    """The license that the spec names."""
    publish = entry.spec_data.get("publish")
    written = publish.get("license") if isinstance(publish, dict) else None
    return written if isinstance(written, str) else None


def flat_spec(entry: Entry) -> tuple[SpecSetting, ...]:
    """The settings of the spec that change the model or its figures."""
    skipped = ("name", "summary", "targets", "visualizers", "publish", "ignore", "vaezoo")
    data = {key: value for key, value in entry.spec_data.items() if key not in skipped}
    return tuple(_flattened(data, ""))


def _flattened(value: Any, path: str) -> list[SpecSetting]:
    if isinstance(value, dict):
        inside = [(f"{path}.{key}" if path else str(key), one) for key, one in value.items()]
        return [setting for key, one in inside for setting in _flattened(one, key)]
    return [SpecSetting(path.removesuffix(".use"), _text(value))]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text(one)}' for key, one in value.items())}}}"
    return "none" if value is None else str(value)


def _figure(figure: Figure) -> ShownFigure:
    return ShownFigure(
        name=figure.name,
        label=figure.label,
        value=figure.value,
        standard_error=figure.standard_error,
        text=shown_value(figure).replace("-", "−"),
        unit=figure.unit,
        better=figure.about.better if figure.about else None,
        role=figure.role,
        split=figure.split,
        likelihood=figure.likelihood,
        binarisation=figure.binarisation,
        samples=figure.samples,
        examples=figure.examples,
        note=figure.note,
    )


def _target(target: TargetResult) -> ShownTarget:
    return ShownTarget(
        metric=target["metric"],
        value=target["value"],
        tolerance=target["tolerance"],
        figure=target["figure"],
        source=target["source"],
        verdict=target["verdict"],
        words=in_words(target),
        note=target["note"],
    )
