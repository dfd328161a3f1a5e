"""The ``VAE`` of a spec, its distributions and traces, and checks of its shapes."""

from vaezoo.model.condition import LabelledPrior, WithOneHot, one_hot
from vaezoo.model.distribution import (
    LOG_VAR_BOUNDS,
    DiagonalGaussian,
    DiagonalGaussianFamily,
    LatentDistribution,
    bounded_log_var,
)
from vaezoo.model.from_spec import attach_players, attach_sampler, build, decoder_output
from vaezoo.model.single_site import SingleSite
from vaezoo.model.trace import Inference, Site, Trace, repeated
from vaezoo.model.vae import VAE

__all__ = [
    "LOG_VAR_BOUNDS",
    "VAE",
    "DiagonalGaussian",
    "DiagonalGaussianFamily",
    "Inference",
    "LabelledPrior",
    "LatentDistribution",
    "SingleSite",
    "Site",
    "Trace",
    "WithOneHot",
    "attach_players",
    "attach_sampler",
    "bounded_log_var",
    "build",
    "decoder_output",
    "one_hot",
    "repeated",
]
