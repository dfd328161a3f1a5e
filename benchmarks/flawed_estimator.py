"""Compare two estimates of log p(x) with the ELBO: the importance-weighted bound, and the one in
the TensorFlow code of the Hyperspherical VAE paper.

    python benchmarks/flawed_estimator.py

That code (nicola-decao/s-vae-tf, examples/mnist.py, log_likelihood) draws z_1 … z_n for log p(z)
and log q(z|x), but computes log p(x|z) at one other draw z_0:

    log p(x|z_0) + log 1/n Σ_k p(z_k) / q(z_k|x)

The bound computes all three at each draw: log 1/n Σ_k p(x|z_k) p(z_k) / q(z_k|x). The first is not
a bound on log p(x): the mean of its first term is the reconstruction term of the ELBO, and that of
its second term is between −KL(q ‖ p) and 0 for every image.
The authors' PyTorch port (nicola-decao/s-vae-pytorch) computes the bound.

Measured on the first test images of the entries mnist_nvae2, mnist_nvae5, mnist_nvae10 and
mnist_nvae20, as the difference to the ELBO of the same image.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaezoo.components.nets.importance import importance_weighted_bounds
from vaezoo.data.image_batches import batches
from vaezoo.data.resident import Resident
from vaezoo.evaluation.evaluate_entry import context_of
from vaezoo.model import VAE, LatentDistribution
from vaezoo.registry import Batch
from vaezoo.zoo import find

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "flawed_estimator.json"
#: latent dimensions: the paper's ELBO and log-likelihood of the N-VAE on MNIST (table 1)
PUBLISHED = {
    2: (-137.08, -135.73),
    5: (-112.98, -110.21),
    10: (-98.36, -93.83),
    20: (-94.79, -88.90),
}
#: draws of z for the reconstruction term of the ELBO
ELBO_DRAWS = 10
#: images per batch
BATCH = 100


def log_likelihood(model: VAE, images: Tensor, z: Tensor) -> Tensor:
    """log p(x|z) of each image (B, C, H, W): (B,), nats."""
    return model.likelihood.log_prob(images, model.decoded(z))


def elbos(
    model: VAE,
    images: Tensor,
    posterior: LatentDistribution,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """The ELBO of each image (B, C, H, W): (B,), nats; its KL term is in closed form."""
    closed = model.prior.kl(posterior)
    assert closed is not None
    likelihoods = [log_likelihood(model, images, posterior.sample(generator)) for _ in range(draws)]
    return torch.stack(likelihoods).double().mean(0) - closed.double().sum(1)


def flawed(
    model: VAE,
    images: Tensor,
    posterior: LatentDistribution,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """The estimate of the TensorFlow code for each image (B, C, H, W): (B,), nats."""
    likelihood = log_likelihood(model, images, posterior.sample(generator))
    ratios = []
    for _ in range(samples):
        z = posterior.sample(generator)
        ratios.append(model.prior.log_prob(z) - posterior.log_prob(z))
    ratio = torch.stack(ratios).double().logsumexp(0) - math.log(samples)
    return likelihood.double() + ratio


@torch.inference_mode()
def gaps(model: VAE, images: Tensor, samples: int, seed: int = 0) -> dict[str, Tensor]:
    """The difference of each estimate to the ELBO, for uint8 images (B, C, H, W): (B,), nats."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {"flawed": [], "iw_bound": []}
    for x, _ in batches(Resident(images), BATCH):
        posterior = model.posterior(x)
        elbo = elbos(model, x, posterior, ELBO_DRAWS, generator)
        bound = importance_weighted_bounds(model, Batch(x), samples, generator)
        found["iw_bound"].append(torch.cat(list(bound)) - elbo)
        found["flawed"].append(flawed(model, x, posterior, samples, generator) - elbo)
    return {name: torch.cat(parts) for name, parts in found.items()}


def measure(latent: int, images: int, samples: int) -> dict[str, Any]:
    """The mean gaps of one entry with standard errors, and the published gap."""
    model = find(f"mnist_nvae{latent}").load()
    context = context_of(model, model.spec.dataset.build(), "test")
    found = gaps(model, context.split.images[:images], samples)
    elbo, log_likelihood = PUBLISHED[latent]
    report: dict[str, Any] = {"published": round(log_likelihood - elbo, 2)}
    for name, values in found.items():
        report[name] = round(values.mean().item(), 3)
        report[f"{name}_standard_error"] = round(values.std().item() / math.sqrt(len(values)), 3)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--latent", type=int, nargs="+", default=list(PUBLISHED))
    parser.add_argument("--samples", type=int, default=500, help="draws of z per image")
    parser.add_argument("--images", type=int, default=1000, help="number of test images")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args(arguments)
    report = {
        "what": "mean over images of an estimate of log p(x) less the ELBO, nats an image",
        "images": asked.images,
        "samples": asked.samples,
        "elbo_draws": ELBO_DRAWS,
        "entries": {},
        "versions": {name: metadata.version(name) for name in ("vaezoo", "torch")},
    }
    for latent in asked.latent:
        row = measure(latent, asked.images, asked.samples)
        report["entries"][f"mnist_nvae{latent}"] = row
        print(
            f"d = {latent:2}: published {row['published']:.2f}, "
            f"flawed {row['flawed']:.2f} ± {row['flawed_standard_error']:.2f}, "
            f"bound {row['iw_bound']:.2f} ± {row['iw_bound_standard_error']:.2f}",
            flush=True,
        )
    asked.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
