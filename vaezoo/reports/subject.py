"""The subject of a report: an entry with its model and, if available, its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from vaezoo.diagnostics import DataError, PluginError, Severity, warn
from vaezoo.evaluation.describe_figures import described
from vaezoo.registry import Batch, EvaluationContext, Metric, Metrics, Registry, Visualizer
from vaezoo.reports import plots, resize_pictures
from vaezoo.reports.blocks import Picture, Prose, prose
from vaezoo.reports.entry_facts import EntryFacts
from vaezoo.spec.declared_figures import names_of
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry_data import load_images, load_model

if TYPE_CHECKING:
    from vaezoo.model import VAE


@dataclass(frozen=True)
class Subject:
    """A trained model to report on.

    ``problem`` says why its images are not available. The context's split is then empty, and stored
    pictures replace those that need images. ``digest`` is the digest of the loaded data.
    """

    entry: Entry
    model: VAE
    context: EvaluationContext
    registry: Registry
    problem: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def facts(self) -> EntryFacts:
        return EntryFacts(
            self.model.spec, self.metrics, self.entry.history, self._redrawn, self._readers
        )

    @cached_property
    def _readers(self) -> tuple[Metric, ...]:
        """The spec's metrics, and the metrics of the other recorded figures."""
        own = {type(metric) for metric in self.model.spec.metrics}
        names = {figure.name for figure in self.entry.metrics.figures}
        others = [cast("type[Metric]", row.component) for row in self.registry.components("metric")]
        extra = [
            kind()
            for kind in others
            if kind not in own
            and names & names_of(kind)
            and not any(field.is_required() for field in kind.model_fields.values())
        ]
        return (*self.model.spec.metrics, *extra)

    @cached_property
    def metrics(self) -> Metrics:
        """The entry's metrics; figures of older entries get their descriptions."""
        metrics = self.entry.metrics
        figures = described(metrics.figures, self._readers, self.model.spec)
        return replace(metrics, figures=tuple(figures))

    @property
    def _redrawn(self) -> bool:
        """Whether the data or the protocol of a recorded figure use dynamic binarization."""
        protocols = {str(self.context.binarization)}
        protocols |= {figure.binarisation for figure in self.entry.metrics.figures}
        return any(protocol.startswith("dynamic") for protocol in protocols)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def has_closed_kl(self) -> bool:
        blank = torch.zeros(1, *self.model.image_shape, device=self.model.device)
        with torch.inference_mode():
            return self.model.trace(Batch(blank), self.context.generator()).has_closed_kl

    @property
    def run(self) -> plots.Run:
        """The data of the plots."""
        facts = self.facts
        kl, distortion = facts.of_role("kl"), facts.of_role("reconstruction")
        point = (kl.value, distortion.value) if kl and distortion else None
        return plots.Run(self.name, self.entry.history, point)

    def picture(
        self, use: str, title: str, share: float, alt: str, parameters: Mapping[str, Any]
    ) -> Picture | None:
        """A visualizer's picture for a ``share`` of the page width.

        If drawing fails, the picture stored in the entry; None without one.
        """
        if self.problem and use != "samples":
            return self._stored(use, title, alt)
        try:
            drawn = resize_pictures.draw(use, parameters, self.context, self.registry, share)
        except Exception:  # such as an unsupported image shape: the report continues
            return self._stored(use, title, alt)
        caption = _capitalized(" · ".join([*drawn.facts, f"binarisation: {self._binarisation}"]))
        return Picture(
            drawn.png, "png", alt, prose("**{title}** {facts}.", title=title, facts=caption)
        )

    def picture_of(self, visualizer: Visualizer, share: float) -> Picture | None:
        """The picture of a visualizer with the spec's parameters, titled by its name."""
        written = visualizer.to_spec()
        parameters = {} if isinstance(written, str) else {**written}
        use = str(parameters.pop("use", visualizer.use))
        alt = " ".join((type(visualizer).__doc__ or use).split("\n\n")[0].split()).rstrip(".")
        title = f"{_capitalized(visualizer.use.replace('_', ' '))}."
        return self.picture(use, title, share, alt, parameters)

    @property
    def _binarisation(self) -> str:
        return str(self.context.binarization).partition(",")[0]

    def _stored(self, use: str, title: str, alt: str) -> Picture | None:
        found = next((path for path in self.entry.figures if path.name == f"{use}.png"), None)
        if found is None:
            return None
        caption: Prose = prose("**{title}** Drawn after training.", title=title)
        return Picture(self.entry.picture(found), "png", alt, caption)


def subject(
    name: str | Path,
    zoo: str | Path | None,
    device: str,
    registry: Registry,
    overrides: Sequence[str] = (),
) -> Subject:
    """Load an entry and its test images. Raises what ``find`` and ``load_model`` raise."""
    entry = find(name, zoo=zoo)
    model = load_model(entry, registry, device, overrides)
    try:
        data = load_images(entry, model)
    except (DataError, PluginError) as error:
        cause = error.diagnostics[0]
        message = f"without what needs the images of {entry.name}: {cause.message}"
        warn(replace(cause, message=message, severity=Severity.WARNING))
        context = EvaluationContext.without_images(model, entry.history)
        return Subject(entry, model, context, registry, cause.message)
    context = EvaluationContext.of_test(model, data, entry.history)
    return Subject(entry, model, context, registry, digest=data.digest)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
