"""Checks of losses: the declared terms, per example, in nats."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from vaezoo.model import VAE
from vaezoo.registry import Batch, Loss
from vaezoo.registry.fields import value_at
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.description_checks import require_definition, require_settable
from vaezoo.testing.conformance.outcome import require
from vaezoo.testing.conformance.tiny_models import small_context

_REPEATS = 64


class LossConformance(ComponentConformance):
    """``class TestMine(LossConformance): component = Mine(beta=2)``.

    The loss is computed for a small model, trained for two epochs.
    """

    kind: ClassVar[str] = "loss"
    component: Loss

    def test_declared_terms(self) -> None:
        """Every declared term is returned: a finite float32 number for each example."""
        model, images = _stage()
        terms = self._terms(model, images)
        declared = {term.name for term in type(self.component).terms}
        missing = declared - set(terms)
        require(not missing, f"the terms lack {', '.join(sorted(missing))}")
        for name, value in terms.items():
            require(
                tuple(value.shape) == (len(images),),
                f"{name} is {tuple(value.shape)} for {len(images)} images; give one number each",
            )
            require(value.dtype == torch.float32, f"{name} is {value.dtype}, not torch.float32")
            require(value.isfinite().all(), f"{name} is not finite")

    def test_description(self) -> None:
        """``formula``, ``relation`` and ``tradeoff`` render in a report."""
        loss = self.component
        require_definition(loss.formula())
        for is_bound in (True, False):
            require_settable("relation", loss.relation(is_bound))
        require_settable("tradeoff", loss.tradeoff())
        for term in type(loss).terms:
            require_settable(f"the caveat of {term.name}", term.caveat)

    def test_kl_weight_is_a_weight(self) -> None:
        """``kl_weight``, unless None, is the name of a real-valued field."""
        named = self.component.kl_weight
        known = ", ".join(self.component.weights) or "none"
        require(
            named is None or named in self.component.weights,
            f"kl_weight is {named!r}, the real-valued fields are {known}",
        )

    def test_no_parameters_of_its_own(self) -> None:
        """It has no parameters: only the model's are trained and saved."""
        module: object = self.component.build()
        own = [n for n, _ in module.named_parameters()] if isinstance(module, nn.Module) else []
        require(not own, f"{', '.join(own)} would be neither trained nor saved")

    def test_gradients_reach_encoder_and_decoder(self) -> None:
        """The mean objective trains encoder and decoder."""
        model, images = _stage()
        model.train()
        self._terms(model, images)["objective"].mean().backward()
        for part in ("encoder", "decoder"):
            gradients = [p.grad for p in getattr(model, part).parameters()]
            require(
                any(g is not None and bool(g.any()) for g in gradients),
                f"the objective has no gradient in the {part}",
            )
            finite = all(g is None or bool(g.isfinite().all()) for g in gradients)
            require(finite, f"the objective's gradient in the {part} is not finite")

    def test_works_without_gradients(self) -> None:
        """It also works in inference mode, which validation uses."""
        model, images = _stage()
        with torch.inference_mode():
            terms = self._terms(model.eval(), images)
        require(
            terms["objective"].isfinite().all(), "in inference mode the objective is not finite"
        )

    def test_draws_from_its_generator(self) -> None:
        """Random numbers come from the generator alone."""
        model, images = _stage()
        before = torch.get_rng_state()
        first, again = (self._terms(model, images) for _ in range(2))
        differ = [name for name in first if not torch.equal(first[name], again[name])]
        require(not differ, f"{', '.join(differ)} differ between two generators with one seed")
        require(
            torch.equal(before, torch.get_rng_state()),
            "it draws from torch's global generator; use the argument ``generator``",
        )

    def test_reconstruction_and_kl_are_those_of_the_model(self) -> None:
        """``reconstruction`` is −log p(x|z) and ``kl`` is KL(q(z|x) || p(z)), both unweighted."""
        model, images = _stage()
        with torch.no_grad():
            terms = self._repeated(model, images)
            expected = _expected(model, images, len(terms["kl"]) // len(images))
        for name, values in expected.items():
            difference = terms[name].view(-1, len(images)).mean(0) - values.mean(0)
            scale = values.mean().abs().item()
            require(
                difference.mean().abs() < 0.02 * scale + 5 * _error(values),
                f"{name} is {terms[name].mean():.3f} on average, but an estimate by definition "
                f"is {values.mean():.3f}",
            )

    def test_objective_is_independent_of_batch_size(self) -> None:
        """Four copies of a batch have the mean objective of the batch."""
        model, images = _stage()
        with torch.no_grad():
            one = self._repeated(model, images)["objective"].mean().item()
            four = self._repeated(model, images.repeat(4, 1, 1, 1))["objective"].mean().item()
        require(
            abs(one - four) < 0.1 * abs(one) + 0.5,
            f"the mean objective of {len(images)} images is {one:.3f}, of four copies of them "
            f"{four:.3f}; return one number per example, without a mean over the batch",
        )

    def _terms(self, model: VAE, images: Tensor, seed: int = 5) -> dict[str, Tensor]:
        weights = {name: value_at(v, 1.0) for name, v in self.component.weights.items()}
        generator = torch.Generator().manual_seed(seed)
        return self.component.build()(model, Batch(images), weights, generator)

    def _repeated(self, model: VAE, images: Tensor) -> dict[str, Tensor]:
        """Every term for every image, ``_REPEATS`` times."""
        several = [self._terms(model, images, seed) for seed in range(_REPEATS)]
        return {name: torch.cat([terms[name] for terms in several]) for name in several[0]}


def _stage() -> tuple[VAE, Tensor]:
    """A trained model and images (16, C, H, W) in [0, 1]."""
    context = small_context()
    return context.model, context.split.images[:16] / 255


def _expected(model: VAE, images: Tensor, repeats: int) -> dict[str, Tensor]:
    """reconstruction and kl, each (repeats, B), by their definitions from draws of z."""
    generator = torch.Generator().manual_seed(6)
    reconstructions, divergences = [], []
    for _ in range(repeats):
        trace = model.trace(Batch(images), generator)
        reconstructions.append(trace.reconstruction)
        divergences.append((trace.log_q - trace.log_p)[0])
    return {"reconstruction": torch.stack(reconstructions), "kl": torch.stack(divergences)}


def _error(values: Tensor) -> float:
    """The standard error of the mean over (repeats, B), for fixed images."""
    return (values.var(0).mean() / values.numel()).sqrt().item()
