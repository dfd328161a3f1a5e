"""The ``VAE`` of a spec, and checks of its shapes."""

from vaezoo.model.vae import LOG_VAR_BOUNDS, VAE, Posterior, build

__all__ = ["LOG_VAR_BOUNDS", "VAE", "Posterior", "build"]
