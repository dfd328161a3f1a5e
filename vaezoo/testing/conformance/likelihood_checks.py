"""Checks of likelihoods, such as that their log-probabilities normalize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from vaezoo.registry import ImageShape, Likelihood
from vaezoo.testing.conformance import integrals
from vaezoo.testing.conformance.description_checks import require_definition, require_settable
from vaezoo.testing.conformance.integrals import QuadratureGrid
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance, seeded
from vaezoo.testing.conformance.outcome import Declined, Nonconforming, NotApplicable, require

Support = Literal["binary", "unit", "real", "levels"]
WORDS: Mapping[Support, str] = {
    "binary": "over {0, 1}",
    "unit": "over [0, 1]",
    "real": "over the real line",
    "levels": "over 256 gray levels",
}
#: Largest deviation of an integral from 1; parts of it are computed in float32.
_TOLERANCE = 5e-3
_SETTINGS = 6
_EVEN = ImageShape(1, 2, 2)


class LikelihoodConformance(NetworkConformance):
    """``class TestMine(LikelihoodConformance): component = Mine()``.

    ``support`` is the set of pixel values over which the log-probability normalizes: "binary",
    "unit", "real" or "levels" (256 gray levels). By default it is {0, 1} for a component that is
    ``for_binary_images``; otherwise each set is tried. ``normalised = False`` skips the check,
    for a formula that is not a log-probability.
    """

    kind: ClassVar[str] = "likelihood"
    component: Likelihood
    images: tuple[ImageShape, ...] = (ImageShape(1, 28, 28), ImageShape(3, 7, 5))
    support: Support | None = None
    normalised: bool = True

    def cases(self) -> list[Case]:
        return [_case(self.component, image) for image in self.images]

    def test_finite_for_large_parameters(self) -> None:
        """Log-probability and gradient are finite for decoder outputs up to ±50."""
        for value in (-50.0, 0.0, 50.0):
            for pixel in (0.0, 1 / 255, 0.5, 1.0):
                log_prob, parameters = self._at(pixel, value)
                log_prob.sum().backward()
                finite = log_prob.isfinite().all() and parameters.grad.isfinite().all()  # type: ignore[union-attr]
                require(
                    finite,
                    f"for a pixel of {pixel:g} and parameters of {value:g}, the log-probability "
                    f"{log_prob.item():g} or its gradient is not finite",
                )

    def test_sums_over_pixels(self) -> None:
        """The log-probability is a sum over pixels, not a mean."""
        one, _ = self._at(0.3, 0.7, ImageShape(1, 1, 1))
        many, _ = self._at(0.3, 0.7, ImageShape(1, 4, 4))
        is_mean = torch.isclose(one, many, rtol=1e-4) and not torch.isclose(
            one, torch.zeros(()), atol=1e-3
        )
        require(
            not is_mean,
            f"16 equal pixels have the log-probability of one, {one.item():.4g}: "
            "sum over pixels instead of taking the mean",
        )

    def test_low_precision_parameters(self) -> None:
        """The log-probability is float32 even for parameters in bfloat16."""
        case = self.cases()[0]
        module = seeded(case)
        images, parameters = case.draw(self.batch)
        for output in case.call(module, images, parameters.bfloat16()):
            require(
                output.dtype == torch.float32,
                f"it computes in {output.dtype}; start with parameters.float()",
            )

    def test_normalises(self) -> None:
        """For one pixel, the probabilities of all values add up to 1."""
        if not self.normalised:
            raise NotApplicable("normalised = False")
        totals, declared = self._totals(), self._declared_support
        if declared:
            found = totals[declared]
            require(
                _are_one(found), f"{WORDS[declared]} it adds up to {_listed(found)}, expected 1"
            )
            return
        if any(map(_are_one, totals.values())):
            return
        closest = min(totals, key=lambda support: _spread(totals[support]))
        if _spread(totals[closest]) < _TOLERANCE and not self.strict:
            raise Declined(
                f"{WORDS[closest]} it adds up to {totals[closest][0]:.3f}, whatever the "
                "parameters: the ELBO is off by a constant"
            )
        raise Nonconforming(
            "it does not add up to 1 over any known set of values: "
            + "; ".join(f"{_listed(found)} {WORDS[s]}" for s, found in totals.items())
        )

    def test_mean_is_the_expectation(self) -> None:
        """``mean`` is the expectation of the pixel under the log-probability."""
        if not self.normalised:
            raise NotApplicable("normalised = False")
        support = self._declared_support or self._found_support()
        for parameters in self._settings():
            grid, log_density, mean = self._density(support, parameters)
            expected = grid.mean(log_density)
            require(
                abs(expected - mean) < 0.01 * max(1.0, abs(expected)),
                f"the expectation {WORDS[support]} is {expected:.4f}, `mean` gives {mean:.4f}",
            )

    def test_declared_properties(self) -> None:
        """``never_positive`` and ``deviation`` agree with the log-probability."""
        likelihood = self.component
        if likelihood.never_positive:
            case = self.cases()[0]
            with torch.no_grad():
                log_prob, _ = case.call(seeded(case), *case.draw(64))
            highest = log_prob.max().item()
            require(highest <= 0, f"never_positive is true, but log_prob reaches {highest:g}")
        if likelihood.deviation is not None:
            for parameters in self._settings():
                grid, log_density, mean = self._density("real", parameters)
                squares = QuadratureGrid((grid.points - mean) ** 2, grid.weights)
                found = (squares.mean(log_density) / grid.integral(log_density)) ** 0.5
                require(
                    abs(found - likelihood.deviation) < 0.01 * likelihood.deviation,
                    f"deviation is {likelihood.deviation:g}, but that of the density is {found:g}",
                )

    def test_description(self) -> None:
        """``formula`` and ``caveat`` render in a report, with and without a trained module."""
        likelihood, image = self.component, ImageShape(1, 2, 2)
        require_definition(likelihood.formula(4))
        require_definition(likelihood.formula(4, likelihood.build(image)))
        for binary in (True, False):
            require_settable("caveat", likelihood.caveat(binary))

    @property
    def _declared_support(self) -> Support | None:
        return self.support or ("binary" if self.component.for_binary_images else None)

    def _found_support(self) -> Support:
        """A set over which it normalizes. Raises NotApplicable if there is none."""
        for support, totals in self._totals().items():
            if _are_one(totals):
                return support
        raise NotApplicable("it does not normalize over any known set of values")

    def _totals(self) -> dict[Support, list[float]]:
        """The total probability, for each support and several parameters."""
        totals: dict[Support, list[float]] = {}
        for support in WORDS:
            densities = [self._density(support, parameters) for parameters in self._settings()]
            totals[support] = [grid.integral(density) for grid, density, _ in densities]
        return totals

    def _settings(self) -> list[Tensor]:
        """Several parameters of one pixel, each (1, P, 1, 1)."""
        count = type(self.component).parameters_per_pixel
        generator = torch.Generator().manual_seed(4)
        return list(torch.randn(_SETTINGS, 1, count, 1, 1, generator=generator))

    @torch.no_grad()
    def _density(
        self, support: Support, parameters: Tensor
    ) -> tuple[QuadratureGrid, Tensor, float]:
        """A grid, the log-density of one pixel on it, and the module's ``mean``."""
        module: Any = self._module(ImageShape(1, 1, 1))
        mean = module.mean(parameters).item()
        grid = _grid(support, mean)
        several = parameters.expand(len(grid.points), -1, -1, -1)
        # in float64 if the likelihood keeps it: float32 is inaccurate near the ends of [0, 1]
        return grid, module.log_prob(grid.points.view(-1, 1, 1, 1), several), mean

    def _at(self, pixel: float, value: float, image: ImageShape = _EVEN) -> tuple[Tensor, Tensor]:
        """The log-probability of a uniform image for uniform parameters, and the parameters."""
        channels = type(self.component).parameters_per_pixel * image.channels
        parameters = torch.full((1, channels, *image[1:]), value, requires_grad=True)
        images = torch.full((1, *image), pixel)
        log_prob: Tensor = self._module(image).log_prob(images, parameters)
        return log_prob, parameters

    def _module(self, image: ImageShape) -> Any:
        return seeded(_case(self.component, image)).eval()


def _case(likelihood: Likelihood, image: ImageShape) -> Case:
    channels = type(likelihood).parameters_per_pixel * image.channels

    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        images = torch.randint(0, 256, (count, *image), generator=generator) / 255
        return images, torch.randn(count, channels, *image[1:], generator=generator)

    def build() -> nn.Module:
        module: Any = likelihood.build(image)
        return module  # type: ignore[no-any-return]

    def call(module: Any, images: Tensor, parameters: Tensor) -> tuple[Tensor, ...]:
        return module.log_prob(images, parameters), module.mean(parameters)

    return Case(str(image), build, inputs, call, outputs=((), tuple(image)), differentiable=(1,))


def _grid(support: Support, mean: float) -> QuadratureGrid:
    match support:
        case "binary":
            return integrals.levels(2)
        case "levels":
            return integrals.levels(256)
        case "unit":
            return integrals.unit_interval()
        case "real":
            return integrals.line(mean)


def _are_one(totals: list[float]) -> bool:
    return all(abs(total - 1) < _TOLERANCE for total in totals)


def _spread(totals: list[float]) -> float:
    """The relative spread of the totals; infinite unless all are finite and positive."""
    low, high = min(totals), max(totals)
    return (high - low) / high if 0 < high < float("inf") else float("inf")


def _listed(totals: list[float]) -> str:
    return f"{min(totals):.3g} to {max(totals):.3g}"
