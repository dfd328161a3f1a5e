"""Each fault that a plugin is likely to have is found, by the check that is there for it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
import torch
from pydantic import Field
from torch import nn

from vaezoo import (
    Dataset,
    Decoder,
    Encoder,
    Figure,
    ImageData,
    ImageShape,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Prior,
    Split,
    Visualizer,
)
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.optimizers import SGD
from vaezoo.components.priors import StandardNormal
from vaezoo.conformance.kinds import BY_KIND
from vaezoo.conformance.outcome import Declined, Nonconforming, NotApplicable
from vaezoo.registry import Component
from vaezoo.testing import EncoderConformance


def check(component: Component, name: str, *, strict: bool = False) -> None:
    conformance = BY_KIND[component.kind]()
    conformance.component = component
    conformance.strict = strict
    getattr(conformance, f"test_{name}")()


def fails(component: Component, name: str, words: str) -> None:
    with pytest.raises(Nonconforming, match=words):
        check(component, name)


class EncoderNet(nn.Module):
    """A sound encoder; the subclasses below each have one fault."""

    def __init__(self, image: ImageShape, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(math.prod(image), latent)
        self.log_var = nn.Linear(math.prod(image), latent)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.mean(images.flatten(1)), self.log_var(images.flatten(1))


class Sound(Encoder, use="sound"):
    """Sound in all respects."""

    net: ClassVar[type[nn.Module]] = EncoderNet

    def build(self, image: ImageShape, latent: int) -> nn.Module:
        return type(self).net(image, latent)


def encoder(net: type[nn.Module]) -> Encoder:
    class Faulty(Sound, use="faulty"):
        """Has a fault."""

    Faulty.net = net
    return Faulty()


def test_a_sound_encoder_passes() -> None:
    elsewhere = {"test_import_budget", "test_entry_point", "test_compiles_natively"}
    for name in (name for name in EncoderConformance.checks() if name not in elsewhere):
        check(Sound(), name.removeprefix("test_"))


def test_words_are_missed() -> None:
    class Silent(Sound, use="silent"):
        width: int = 3

    fails(Silent(), "documentation", "no docstring")
    Silent.__doc__ = "It speaks."
    fails(Silent(), "documentation", "no description of width")


def test_a_parameter_that_is_lost_or_let_through() -> None:
    class Loose(Sound, use="loose"):
        """Takes anything."""

        model_config = {"extra": "allow"}  # noqa: RUF012

    fails(Loose(), "only_known_parameters", "extra='forbid'")

    class Hidden(Sound, use="hidden"):
        """Writes less than it reads."""

        width: int = Field(3, description="a width", exclude=True)

    fails(Hidden(width=5), "parameters_survive_yaml", "comes back")


def test_shapes_and_types_of_an_encoder() -> None:
    class Transposed(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return tuple(part.T for part in super().forward(images))

    class Double(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return tuple(part.double() for part in super().forward(images))

    class Infinite(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean / 0, log_var

    fails(encoder(Transposed), "shapes_and_types", "expected")
    fails(encoder(Double), "shapes_and_types", "torch.float64")
    fails(encoder(Infinite), "shapes_and_types", "not finite")


def test_an_encoder_that_takes_no_size() -> None:
    class Picky(Sound, use="picky"):
        """Never pleased."""

        def shape_problem(self, image: ImageShape, latent: int) -> str | None:
            return "too large"

    fails(Picky(), "shapes_and_types", "too large.*set `images`")


def test_a_tensor_made_on_another_device() -> None:
    class OnTheHost(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean, torch.zeros(log_var.shape, device="cpu")

    fails(encoder(OnTheHost), "builds_on_meta", "on the device of the input")


def test_a_parameter_without_gradient() -> None:
    class Frozen(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean, log_var.detach()

    fails(encoder(Frozen), "gradients_reach_every_parameter", "log_var.bias, log_var.weight")


def test_a_branch_that_begins_at_zero_is_no_fault() -> None:
    class Gated(EncoderNet):
        def __init__(self, image: ImageShape, latent: int) -> None:
            super().__init__(image, latent)
            self.gate = nn.Parameter(torch.zeros(()))

        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean, self.gate * log_var

    check(encoder(Gated), "gradients_reach_every_parameter")


def test_neighbours_chance_and_dropout_in_evaluation() -> None:
    class Normalised(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean - mean.mean(0), log_var

    class Dropping(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(nn.functional.dropout(images, 0.5))

    class Wasteful(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            torch.rand(1)
            return super().forward(images)

    fails(encoder(Normalised), "examples_are_independent", "neighbours")
    fails(encoder(Dropping), "evaluation_is_deterministic", "another output")
    fails(encoder(Wasteful), "evaluation_is_deterministic", "random numbers")


def test_weights_that_no_seed_decides() -> None:
    class Chance(EncoderNet):
        def __init__(self, image: ImageShape, latent: int) -> None:
            super().__init__(image, latent)
            self.mean.weight.data.add_(hash(object()) % 1000003)

    fails(encoder(Chance), "same_seed_same_weights", "mean.weight")


def test_state_outside_parameters_and_buffers() -> None:
    class Remembers(EncoderNet):
        def __init__(self, image: ImageShape, latent: int) -> None:
            super().__init__(image, latent)
            self.register_buffer("shift", torch.randn(latent), persistent=False)

        def forward(self, images: torch.Tensor) -> Any:
            mean, log_var = super().forward(images)
            return mean + self.shift, log_var

    class Pickled(EncoderNet):
        def get_extra_state(self) -> object:
            return {"anything": 1}

        def set_extra_state(self, state: object) -> None: ...

    fails(encoder(Remembers), "weights_survive_safetensors", "outputs differ")
    fails(encoder(Pickled), "state_is_tensors", "_extra_state")


def test_a_graph_break_only_counts_when_strict() -> None:
    class Breaks(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            torch._dynamo.graph_break()
            return super().forward(images)

    with pytest.raises(Declined):
        check(encoder(Breaks), "compiles_in_one_graph")
    with pytest.raises(Exception, match=r"graph_break|Graph break"):
        check(encoder(Breaks), "compiles_in_one_graph", strict=True)


def test_a_decoder_with_a_final_activation() -> None:
    class Squashed(Decoder, use="squashed"):
        """Ends in a sigmoid."""

        def build(self, latent: int, output: ImageShape) -> nn.Module:
            line = nn.Linear(latent, math.prod(output))
            return nn.Sequential(line, nn.Unflatten(1, output), nn.Sigmoid())

    fails(Squashed(), "no_final_activation", "leave out the final activation")


class NormalNet(nn.Module):
    """Unit normal pixels, with a sound log-probability."""

    def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        return -0.5 * (images - mean) ** 2 - 0.5 * math.log(2 * math.pi)

    def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return self.density(images, parameters.float()).flatten(1).sum(1)

    def mean(self, parameters: torch.Tensor) -> torch.Tensor:
        return parameters.float()


def likelihood(net: type[nn.Module], **declared: Any) -> Likelihood:
    class Faulty(Likelihood, use="faulty"):
        """Has a fault."""

        def build(self, image: ImageShape) -> Any:
            return net()

    for name, value in declared.items():
        setattr(Faulty, name, property(lambda self, value=value: value))
    return Faulty()


def test_a_sound_likelihood_normalises_over_the_line() -> None:
    for name in ("normalises", "mean_is_the_expectation", "sums_over_pixels"):
        check(likelihood(NormalNet), name)


def test_a_mean_over_pixels() -> None:
    class Mean(NormalNet):
        def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
            return self.density(images, parameters.float()).flatten(1).mean(1)

    fails(likelihood(Mean), "sums_over_pixels", "not the mean")


def test_a_density_that_is_none() -> None:
    class Skewed(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return super().density(images, mean) + mean.sin()

    class Unscaled(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return -0.5 * (images - mean) ** 2

    fails(likelihood(Skewed), "normalises", "over no known set of values")
    with pytest.raises(Declined, match=r"2\.507, whatever the parameters"):
        check(likelihood(Unscaled), "normalises")
    fails(likelihood(NormalNet, for_binary_images=True), "normalises", "over {0, 1}")


def test_a_likelihood_that_declares_what_is_not_so() -> None:
    class Narrow(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return -50 * (images - mean) ** 2 + math.log(10 / math.sqrt(2 * math.pi))

    check(likelihood(Narrow, deviation=0.1), "what_it_declares")
    fails(likelihood(Narrow, deviation=1.0), "what_it_declares", "deviation is 1")

    class Bright(NormalNet):
        def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
            return super().log_prob(images, parameters) + 9000

    fails(likelihood(Bright, never_positive=True), "what_it_declares", "reaches")


def test_an_expectation_that_is_another() -> None:
    class Shifted(NormalNet):
        def mean(self, parameters: torch.Tensor) -> torch.Tensor:
            return parameters.float() + 0.2

    fails(likelihood(Shifted), "mean_is_the_expectation", "`mean` gives")


class StandardNet(nn.Module):
    """A sound standard normal."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.latent = latent

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(count, self.latent, generator=generator)

    def kl(self, mean: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor | None:
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var)


def prior(net: type[nn.Module]) -> Prior:
    class Faulty(Prior, use="faulty"):
        """Has a fault."""

        def build(self, latent: int) -> Any:
            return net(latent)

    return Faulty()


def test_priors_that_contradict_themselves() -> None:
    class Averaged(StandardNet):
        def kl(self, mean: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor | None:
            return super().kl(mean, log_var) / 2  # type: ignore[operator]

    class Wide(StandardNet):
        def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
            return 1.1 * super().sample(count, generator)

    class Bare(StandardNet):
        def log_prob(self, z: torch.Tensor) -> torch.Tensor:
            return -0.5 * (z**2).sum(1)

    class Global(StandardNet):
        def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
            return torch.randn(count, self.latent)

    class Open(StandardNet):
        def kl(self, mean: torch.Tensor, log_var: torch.Tensor) -> None:
            return None

    for name in ("kl_against_monte_carlo", "density_integrates_to_one", "draws"):
        check(StandardNormal(), name)
    fails(prior(Averaged), "kl_against_monte_carlo", "draws")
    fails(prior(Wide), "draws_follow_the_density", "away from that of log_prob")
    fails(prior(Bare), "density_integrates_to_one", "integrates to")
    fails(prior(Global), "draws", "two generators of one seed")
    with pytest.raises(NotApplicable, match="no closed form"):
        check(prior(Open), "kl_against_monte_carlo")


def loss(change: Any, **declared: Any) -> Loss:
    class Faulty(Loss, use="faulty"):
        """Has a fault."""

        def build(self) -> Any:
            sound = ELBOLoss().build()

            def module(model: Any, images: Any, weights: Any, generator: Any) -> Any:
                given = {"beta": 1.0, "free_bits": 0.0}
                return change(sound(model, images, given, generator), generator)

            return module

    for name, value in declared.items():
        setattr(Faulty, name, value)
    return Faulty()


def test_losses_that_weigh_or_leave_out() -> None:
    check(loss(lambda terms, _: terms), "declared_terms")
    by_size = loss(lambda t, _: t | {"objective": t["objective"] * len(t["kl"])})
    fails(by_size, "batch_size_does_not_weigh", "leave the mean over examples")
    averaged = loss(lambda t, _: {k: v.mean() for k, v in t.items()})
    fails(averaged, "declared_terms", "give one number each")
    doubled = loss(lambda t, _: t | {"kl": 2 * t["kl"]})
    fails(doubled, "reconstruction_and_kl_are_those_of_the_model", "kl is")
    lacking = loss(lambda t, _: {k: v for k, v in t.items() if k != "kl"})
    fails(lacking, "declared_terms", "lack kl")
    detached = loss(lambda t, _: {k: v.detach().requires_grad_() for k, v in t.items()})
    fails(detached, "gradients_reach_encoder_and_decoder", "no gradient in the encoder")
    chance = loss(lambda t, _: {k: v + torch.rand(()) for k, v in t.items()})
    fails(chance, "draws_from_its_generator", "differ between two generators")
    fails(loss(lambda t, _: t, kl_weight="gamma"), "kl_weight_is_a_weight", "'gamma'")


def optimizer(change: Any) -> Optimizer:
    class Faulty(Optimizer, use="faulty"):
        """Has a fault."""

        lr: float = Field(0.01, description="learning rate")

        def build(self, parameters: Any, lr: float) -> Any:
            return change(list(parameters), lr)

    return Faulty()


def test_optimizers_that_go_their_own_way() -> None:
    for name in ("reduces_a_quadratic", "obeys_a_changed_learning_rate", "resumes_from_its_state"):
        check(SGD(), name)

    class Stubborn(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.sub_(0.01 * parameter.grad)

    class Secretive(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            self.count = getattr(self, "count", 0) + 1
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.sub_(group["lr"] / self.count * parameter.grad)

    uphill = optimizer(lambda p, lr: torch.optim.SGD(p, lr=lr, maximize=True))
    fails(uphill, "reduces_a_quadratic", "went from")
    fixed = optimizer(lambda p, lr: torch.optim.SGD(p, lr=0.1))
    fails(fixed, "starts_at_the_learning_rate", "asked for")
    fails(optimizer(Stubborn), "obeys_a_changed_learning_rate", "lr = 0")
    fails(optimizer(Secretive), "resumes_from_its_state", "other steps")


class Constant(Metric, use="constant"):
    """A figure; the subclasses have faults."""

    figures = ("constant",)

    def figure(self, scene: Any) -> Figure:
        return Figure("constant", 1.0, "none", scene.split_name, "", "", 0, len(scene.split))

    def compute(self, scene: Any) -> list[Figure]:
        return [self.figure(scene)]


def test_metrics_that_say_or_do_another_thing() -> None:
    class Undeclared(Constant, use="undeclared"):
        """Another name."""

        figures = ("other",)

    class Random(Constant, use="random"):
        """Draws its figure."""

        def figure(self, scene: Any) -> Figure:
            return Figure("constant", torch.rand(()).item(), "none", "test", "", "", 0, 1)

    class Trains(Constant, use="trains"):
        """Changes what it measures."""

        def compute(self, scene: Any) -> list[Figure]:
            with torch.no_grad():
                for parameter in scene.model.parameters():
                    parameter.zero_()
            return super().compute(scene)

    check(Constant(), "figures")
    fails(Undeclared(), "figures", "declares other")
    fails(Random(), "same_scene_same_result", "another result")
    fails(Random(), "leaves_the_model_alone", "global generator")
    fails(Trains(), "leaves_the_model_alone", "changes the model")
    with pytest.raises(Declined, match="told of 0 examples"):
        check(Constant(), "reports_progress")


def test_visualizers_that_draw_nothing_or_in_public() -> None:
    class Blank(Visualizer, use="blank"):
        """An empty figure."""

        def draw(self, scene: Any) -> Any:
            from matplotlib.figure import Figure

            return Figure()

    class Public(Visualizer, use="public"):
        """Uses pyplot."""

        def draw(self, scene: Any) -> Any:
            from matplotlib import pyplot

            figure, axes = pyplot.subplots()
            axes.plot([0, 1])
            return figure

    fails(Blank(), "gives_a_figure", "empty")
    fails(Public(), "touches_nothing_global", "pyplot")
    from matplotlib import pyplot

    pyplot.close("all")


def dataset(**changes: Any) -> Dataset:
    class Faulty(Dataset, use="faulty"):
        """Has a fault."""

        @property
        def image_shape(self) -> ImageShape:
            return ImageShape(1, 4, 4)

        @property
        def binary(self) -> bool | None:
            return changes.get("binary")

        def build(self) -> ImageData:
            generator = torch.Generator().manual_seed(0)
            images = torch.randint(0, 256, (6, 1, 4, 4), generator=generator)
            images = changes.get("images", lambda x: x.to(torch.uint8))(images)
            split = Split(images, changes.get("labels", torch.arange(6) % 2))
            return ImageData(split, split, ("a", "b"), changes.get("digest", "0" * 64))

    return Faulty()


def test_datasets_that_are_not_what_they_say() -> None:
    for name in ("image_shape", "images", "labels", "digest"):
        check(dataset(), name)
    fails(dataset(images=lambda x: x / 255), "images", "torch.float32")
    fails(dataset(images=lambda x: (x // 255).to(torch.uint8)), "images", "above 1")
    wide = dataset(images=lambda x: x.repeat(1, 1, 1, 2).to(torch.uint8))
    fails(wide, "image_shape", "1×4×8")
    fails(dataset(labels=torch.arange(6)), "labels", "2 class names")
    fails(dataset(labels=torch.arange(6).float()), "labels", "torch.float32")
    fails(dataset(digest="today"), "digest", "no SHA-256")
    chance = dataset(images=lambda x: torch.randint(0, 256, x.shape, dtype=torch.uint8))
    fails(chance, "digest", "the images differ")
    fails(chance, "draws_nothing_global", "global generator")
    fails(dataset(binary=True), "binary", "grey pixels")


def test_a_component_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="the kind encoder"):
        type("TestWrong", (EncoderConformance,), {"component": SGD()})
