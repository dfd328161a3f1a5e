"""Train the model of jaanli/variational-autoencoder with its own recipe on mnist_mlp128's data.

    python benchmarks/jaanli_recipe.py

The network of the spec mnist_mlp128, trained as train_variational_autoencoder_pytorch.py does with
--variational mean-field: centered RMSprop at 1e-3 on the sum over a batch, log q(z|x) − log p(z) at
one draw of z instead of the closed-form KL, a softplus for σ, and 20,000 steps, as in the log of
its README. The spec uses another optimizer and objective.
"""

from __future__ import annotations

import argparse
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal
from torch.nn.functional import softplus

from vaezoo.data.image_batches import batches, shuffled_batches
from vaezoo.data.placement import arranged
from vaezoo.data.resident import Resident
from vaezoo.model import VAE, build
from vaezoo.registry import discover
from vaezoo.spec import read
from vaezoo.training.loop import stream

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "specs" / "mnist_mlp128.yaml"
RESULT = HERE / "results" / "jaanli_recipe.json"
#: draws of z per image for the ELBO; the source uses 1,000
DRAWS = 10


def posterior(model: VAE, images: Tensor) -> Independent[Any]:
    """q(z|x), with σ = softplus of the encoder's second output."""
    mean, scale = model.encoder(images).unbind(1)
    return Independent(Normal(mean, softplus(scale), validate_args=False), 1)


def sampled_elbo(model: VAE, images: Tensor, q: Independent[Any]) -> Tensor:
    """log p(x|z) + log p(z) − log q(z|x) at one draw of z: (B,), nats."""
    z = q.rsample()
    log_likelihood = model.likelihood.log_prob(images, model.decoded(z))
    elbo: Tensor = log_likelihood + model.prior.log_prob(z) - q.log_prob(z)
    return elbo


@torch.inference_mode()
def test_elbo(model: VAE, images: Tensor) -> float:
    """The mean ELBO of uint8 images (N, C, H, W), nats per image."""
    total = 0.0
    for x, _ in batches(Resident(images), 1000):
        q = posterior(model, x)
        total += sum(sampled_elbo(model, x, q).double().sum().item() for _ in range(DRAWS))
    return total / (DRAWS * len(images))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    spec = read(SPEC, registry=discover())
    data = spec.dataset.build()
    seed = stream(spec.train.seed, "validation")
    training = arranged(data, spec.train.validation, seed, torch.device("cpu")).training
    torch.manual_seed(asked.seed)
    model = build(spec, seed=asked.seed)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, centered=True)
    looks: dict[str, float] = {}
    step = 0
    while step < asked.steps:
        order = torch.randperm(len(training))
        for x, _ in shuffled_batches(training, order, spec.train.batch_size):
            optimizer.zero_grad()
            (-sampled_elbo(model, x, posterior(model, x)).sum()).backward()
            optimizer.step()
            step += 1
            if step % 5_000 == 0 or step == asked.steps:
                looks[str(step)] = round(test_elbo(model, data.test.images), 3)
                print(f"step {step:6}  test ELBO {looks[str(step)]:.2f}", flush=True)
            if step == asked.steps:
                break
    report = {
        "what": "test ELBO by training step, nats an image, of the network of mnist_mlp128 "
        "trained as jaanli/variational-autoencoder trains it",
        "test_elbo": looks,
        "draws": DRAWS,
        "seed": asked.seed,
        "torch_threads": torch.get_num_threads(),
        "versions": {name: metadata.version(name) for name in ("vaezoo", "torch")},
    }
    asked.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
