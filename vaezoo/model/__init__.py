"""Models: the ``VAE`` of a spec, and whether the parts of one fit each other."""

from vaezoo.model.vae import LOG_VAR_BOUNDS, VAE, Posterior, build

__all__ = ["LOG_VAR_BOUNDS", "VAE", "Posterior", "build"]
