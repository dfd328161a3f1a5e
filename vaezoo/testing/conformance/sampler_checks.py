"""Samplers: their draws have the latents' shape and come back with the stored tensors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from vaezoo.model import VAE, attach_sampler
from vaezoo.registry import Posterior, Prior, Sampler, discover
from vaezoo.system import safetensors_io
from vaezoo.testing.conformance import partners
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.tiny_models import small_model
from vaezoo.training import Observer, fit_sampler

_COUNT = 7


class SamplerConformance(ComponentConformance):
    """``class TestMine(SamplerConformance): component = Mine(components=3)``.

    The sampler is fitted as a run does it, to the images of a small model, for each shape in
    ``latents``; those that ``problem`` refuses are left out, but one must remain. ``posterior``
    and ``prior`` are those of the model, by default the first whose latents it draws.
    """

    kind: ClassVar[str] = "sampler"
    component: Sampler
    latents: tuple[tuple[int, ...], ...] = ((2,), (1,), (3, 2, 2))
    posterior: Posterior | None = None
    prior: Prior | None = None

    def test_draws(self) -> None:
        """The fitted module gives finite (count, *latent), by the generator that is given."""
        for latent in self._shapes():
            model = self._fitted(latent)
            before = torch.get_rng_state()
            z, again = _draw(model, 1), _draw(model, 1)
            require(
                z.shape == (_COUNT, *latent),
                f"{_COUNT} draws of latents {latent} have the shape {tuple(z.shape)}",
            )
            require(z.isfinite().all(), "draws are not finite")
            require(torch.equal(z, again), "two generators with the same seed draw differently")
            require(
                torch.equal(before, torch.get_rng_state()),
                "it draws from torch's global generator; use the one that is given",
            )
            require(not torch.equal(z, _draw(model, 2)), "another seed gives the same draws")

    def test_stored_tensors(self) -> None:
        """``build`` loads the tensors of a fitted module, which then draws the same latents."""
        for latent in self._shapes():
            model, loaded = self._fitted(latent), self._model(latent)
            attach_sampler(loaded)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.safetensors"
                safetensors_io.save(path, model.state_dict(), {})
                tensors, _ = safetensors_io.load(path)
            loaded.load_state_dict(tensors)
            require(
                torch.equal(_draw(model, 1), _draw(loaded, 1)),
                "after loading, the draws differ: store what they depend on in parameters or "
                "buffers",
            )

    def test_same_fit(self) -> None:
        """Two fits with the same seed give the same tensors."""
        latent = self._shapes()[0]
        digests = []
        for state in (1, 2):
            torch.manual_seed(state)
            digests.append(safetensors_io.digest(self._fitted(latent).state_dict()))
        require(
            digests[0] == digests[1],
            "two fits differ; use the generator that fit receives, or torch's global one",
        )

    def _shapes(self) -> list[tuple[int, ...]]:
        refusals = {one: self.component.problem(self._model(one).spec) for one in self.latents}
        fitting = [shape for shape, refusal in refusals.items() if not refusal]
        require(fitting, f"problem refuses every shape: {refusals}; set other latents")
        return fitting

    def _model(self, latent: tuple[int, ...]) -> VAE:
        parts = self._partners(latent)
        return small_model(latent=list(latent), sampler=self.component, **parts).eval()

    def _partners(self, latent: tuple[int, ...]) -> dict[str, Any]:
        """Posterior and prior of the model: those given, or the first whose latents it draws."""
        given = {"posterior": self.posterior, "prior": self.prior}
        found: dict[str, Any] = {kind: part for kind, part in given.items() if part is not None}
        if found:
            return found
        for posterior in partners.defaults("posterior", discover()):
            if posterior.shape_problem(latent) is None:
                space = posterior.space(latent)
                if space.support in type(self.component).supports:
                    return {"posterior": posterior, "prior": partners.prior_of(posterior, space)}
        return {}

    def _fitted(self, latent: tuple[int, ...]) -> VAE:
        if reason := self.component.unavailable():
            raise NotApplicable(reason)
        model = self._model(latent)
        notes = fit_sampler(model, model.spec.dataset.build(), Observer())
        require(not notes, " ".join(notes))
        return model


def _draw(model: VAE, seed: int) -> Tensor:
    return model.draw(_COUNT, torch.Generator().manual_seed(seed))
