"""What a report is about: an entry with its model, and its data where they can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaezoo.diagnostics import DataError
from vaezoo.registry import Registry, Scene, Split
from vaezoo.writeup import pictures, plots
from vaezoo.writeup.content import Picture, Prose, prose
from vaezoo.writeup.facts import Facts
from vaezoo.zoo import Entry, find

if TYPE_CHECKING:
    from vaezoo.model import VAE


@dataclass(frozen=True)
class Subject:
    """A trained model to be reported on.

    ``problem`` says why its images cannot be had; the scene's split is empty then, and stored
    pictures stand in for those that need images.
    """

    entry: Entry
    model: VAE
    scene: Scene
    registry: Registry
    problem: str = ""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def facts(self) -> Facts:
        return Facts(self.model.spec, self.entry.metrics, self.entry.history)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def learned_scale(self) -> float | None:
        """The standard deviation that a Gaussian likelihood has learned."""
        log_scale = getattr(self.model.likelihood, "log_scale", None)
        return float(log_scale.exp()) if isinstance(log_scale, torch.Tensor) else None

    @property
    def has_closed_kl(self) -> bool:
        nothing = torch.zeros(1, self.model.latent, device=self.model.device)
        with torch.inference_mode():
            return self.model.prior.kl(nothing, nothing) is not None

    @property
    def run(self) -> plots.Run:
        """What the plots show of it."""
        kl, distortion = self.facts.figure("kl"), self.facts.figure("reconstruction")
        point = (kl.value, distortion.value) if kl and distortion else None
        return plots.Run(self.name, self.entry.history, point)

    def picture(
        self, use: str, title: str, share: float, alt: str, parameters: Mapping[str, Any]
    ) -> Picture | None:
        """A visualizer's picture for a ``share`` of the page's width; None where there is none.

        Where it cannot be drawn, the one that the entry holds.
        """
        if self.problem and use != "samples":
            return self._stored(use, title, alt)
        try:
            drawn = pictures.draw(use, parameters, self.scene, self.registry, share)
        except Exception:  # such as images that have no picture: the report goes on without it
            return self._stored(use, title, alt)
        caption = _capitalised(" · ".join([*drawn.facts, f"binarisation: {self._binarisation}"]))
        return Picture(
            drawn.png, "png", alt, prose("**{title}** {facts}.", title=title, facts=caption)
        )

    @property
    def _binarisation(self) -> str:
        return str(self.scene.binarization).partition(",")[0]

    def _stored(self, use: str, title: str, alt: str) -> Picture | None:
        found = next((path for path in self.entry.figures if path.stem == use), None)
        if found is None:
            return None
        told: Prose = prose("**{title}** As drawn after training.", title=title)
        return Picture(self.entry.picture(found), "png", alt, told)


def subject(name: str | Path, zoo: str | Path | None, device: str, registry: Registry) -> Subject:
    """Load an entry and its test images. Raises what ``find`` and ``Entry.load`` raise."""
    entry = find(name, zoo=zoo)
    model = entry.load(registry, device)
    try:
        data = model.spec.dataset.build()
    except DataError as error:
        blank = Split(torch.zeros(0, *model.image_shape, dtype=torch.uint8))
        scene = Scene(
            entry.name, model.spec, model, blank, "test", (), entry.history, model.spec.train.seed
        )
        return Subject(entry, model, scene, registry, error.diagnostics[0].message)
    return Subject(entry, model, Scene.of_test(model, data, entry.history), registry)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
