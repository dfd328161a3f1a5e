"""The zoo's variants as one plain PyTorch script, whose figures vaezoo must match.

    python benchmarks/plain_variants.py fashion_mlp2 --data DIR_OF_IDX_GZ
    python benchmarks/plain_variants.py mnist_mlp20 --root TORCHVISION_ROOT

This script does not import vaezoo. Images are gray levels in [0, 1] and not binarized. Every figure
is a sum over pixels and latents and a mean over images, in nats. The result is written to
benchmarks/results/plain/NAME-seedS.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RESULTS = Path(__file__).parent / "results" / "plain"
SAMPLES_PER_IMAGE = 10
ACTIVE_NATS = 0.01  # a latent with a lower mean KL is unused


class VAE(nn.Module):
    """An encoder body, two linear heads for q(z|x), and a decoder without a final activation."""

    def __init__(self, body: nn.Module, features: int, latent: int, decoder: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.mean = nn.Linear(features, latent)
        self.log_var = nn.Linear(features, latent)
        self.decoder = decoder

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, 28, 28) -> mean and log-variance, each (B, latent)."""
        h = self.body(x)
        return self.mean(h), self.log_var(h)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 1, 28, 28) -> decoder output of the same shape, mean, log-variance."""
        mean, log_var = self.encode(x)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decoder(z), mean, log_var


def mlp(latent: int) -> VAE:
    """784-400-latent-400-784 with ReLU."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
    decoder = nn.Sequential(
        nn.Linear(latent, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28))
    )
    return VAE(body, 400, latent, decoder)


def convolutions() -> nn.Sequential:
    """Images (B, 1, 28, 28) through 32 and 64 maps at stride 2, flattened: (B, 3136)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )


def conv(latent: int) -> VAE:
    """Convolutions 32-64 at stride 2, and mirrored transposed convolutions."""
    body = convolutions()
    decoder = nn.Sequential(
        nn.Linear(latent, 64 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 3, stride=2, padding=1, output_padding=1),
    )
    return VAE(body, 64 * 7 * 7, latent, decoder)


def keras_example(latent: int) -> VAE:
    """The network of the Keras example with its initialization.

    Keras pads "same" on the right and bottom, PyTorch here on the left and top: with stride 2 the
    two are mirror images of each other, and no layer knows left from right.
    """
    body = nn.Sequential(*convolutions(), nn.Linear(64 * 7 * 7, 16), nn.ReLU())
    decoder = nn.Sequential(
        nn.Linear(latent, 64 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 3, padding=1),
    )
    return VAE(body, 16, latent, decoder).apply(glorot_uniform)


def glorot_uniform(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def leaky(latent: int) -> VAE:
    """Four convolutions of 64 channels, the middle two with stride 2, and a mirrored decoder."""
    body = nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1),
        nn.LeakyReLU(0.01),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.LeakyReLU(0.01),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.LeakyReLU(0.01),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.LeakyReLU(0.01),
        nn.Flatten(),
    )
    decoder = nn.Sequential(
        nn.Linear(latent, 64 * 7 * 7),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 64, 3, padding=1),
        nn.LeakyReLU(0.01),
        nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1),
        nn.LeakyReLU(0.01),
        nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1),
        nn.LeakyReLU(0.01),
        nn.ConvTranspose2d(64, 1, 3, padding=1),
    )
    return VAE(body, 64 * 7 * 7, latent, decoder)


def bernoulli(output: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z), summed over pixels and images; gray levels are probabilities."""
    return F.binary_cross_entropy_with_logits(output, x, reduction="sum")


def squared_error(output: Tensor, x: Tensor) -> Tensor:
    """Summed squared error of the sigmoid mean: a Gaussian of variance 1/2 without its constant."""
    return F.mse_loss(torch.sigmoid(output), x, reduction="sum")


LIKELIHOODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bernoulli (summed binary cross-entropy with logits)": bernoulli,
    "squared error, summed (Gaussian of variance 1/2 without its constant)": squared_error,
}
BERNOULLI, SQUARED_ERROR = LIKELIHOODS


@dataclass(frozen=True)
class Variant:
    dataset: str
    network: str
    latent: int
    epochs: int
    batch_size: int
    held_out: float = 0.0  # fraction of the 60,000 training images, drawn at random
    learning_rate: float = 1e-3
    epsilon: float = 1e-8  # Adam's
    beta: float = 1.0
    likelihood: str = BERNOULLI
    trains_on_test: bool = False
    published: str = ""


NETWORKS = {"mlp": mlp, "conv": conv, "keras_example": keras_example, "leaky": leaky}

VARIANTS = {
    "fashion_mlp2": Variant("fashion_mnist", "mlp", 2, 20, 64, held_out=0.1),
    "fashion_conv12": Variant("fashion_mnist", "conv", 12, 30, 128, held_out=0.1),
    "fashion_beta1": Variant("fashion_mnist", "mlp", 10, 50, 64, held_out=0.1),
    "fashion_beta4": Variant("fashion_mnist", "mlp", 10, 50, 64, held_out=0.1, beta=4.0),
    "mnist_mlp20": Variant(
        "mnist",
        "mlp",
        20,
        10,
        128,
        published="105.59 on the test images (kampta/pytorch-distributions, README)",
    ),
    "mnist_mlp2": Variant("mnist", "mlp", 2, 50, 128),
    "mnist_keras2": Variant(
        "mnist",
        "keras_example",
        2,
        30,
        128,
        epsilon=1e-7,  # Keras's default
        trains_on_test=True,
        published="running mean of the last training epoch 146.95 = 140.15 + 6.80 (Keras example)",
    ),
    "mnist_leaky2": Variant(
        "mnist",
        "leaky",
        2,
        200,
        64,
        held_out=0.2,
        learning_rate=5e-4,
        likelihood=SQUARED_ERROR,
    ),
}


def read_images(folder: Path, split: str) -> Tensor:
    """One IDX file of images as floats in [0, 1]: (N, 1, 28, 28)."""
    path = folder / f"{split}-images-idx3-ubyte.gz"
    with gzip.open(path) as file:
        content = bytearray(file.read())
    if int.from_bytes(content[:4], "big") != 2051:
        raise ValueError(f"{path} is not an IDX file of images")
    pixels = torch.frombuffer(content, dtype=torch.uint8, offset=16)
    return pixels.reshape(-1, 1, 28, 28).float() / 255


def read_splits(variant: Variant, folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Training, validation (possibly empty) and test images."""
    train, test = read_images(folder, "train"), read_images(folder, "t10k")
    if variant.trains_on_test:
        return torch.cat([train, test]), train[:0], test
    order = torch.randperm(len(train))
    held_out = round(variant.held_out * len(train))
    return train[order[held_out:]], train[order[:held_out]], test


def kl_to_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(q(z|x) ‖ N(0, I)) of each image and latent, in closed form: (B, latent)."""
    return -0.5 * (1 + log_var - mean**2 - log_var.exp())


def shuffled_batches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Every image once, in random order; the last batch may be smaller."""
    for index in torch.randperm(len(images)).split(batch_size):
        yield images[index]


def train_epoch(
    model: VAE,
    batches: Iterable[Tensor],
    optimizer: torch.optim.Optimizer,
    beta: float = 1.0,
    negative_log_likelihood: Callable[[Tensor, Tensor], Tensor] = bernoulli,
) -> tuple[float, float]:
    """One step per batch; the running means of reconstruction and KL, nats per image."""
    model.train()
    count = 0
    reconstruction_sum, kl_sum = torch.zeros(2, device=next(model.parameters()).device)
    for x in batches:
        output, mean, log_var = model(x)
        reconstruction = negative_log_likelihood(output, x)
        kl = kl_to_standard_normal(mean, log_var).sum()
        loss = (reconstruction + beta * kl) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        reconstruction_sum += reconstruction.detach()
        kl_sum += kl.detach()
        count += len(x)
    return reconstruction_sum.item() / count, kl_sum.item() / count


@torch.no_grad()
def evaluate(
    model: VAE, images: Tensor, samples: int, negative_log_likelihood: Callable[..., Tensor]
) -> tuple[float, list[float]]:
    """Reconstruction (mean over ``samples`` draws of z) and the KL of each latent."""
    model.eval()
    reconstruction_sum, kl_sum = 0.0, torch.zeros(model.mean.out_features, dtype=torch.float64)
    for x in images.split(1000):
        kl_sum += kl_to_standard_normal(*model.encode(x)).sum(0)
        for _ in range(samples):
            reconstruction_sum += negative_log_likelihood(model(x)[0], x).item() / samples
    return reconstruction_sum / len(images), (kl_sum / len(images)).tolist()


def train(
    variant: Variant, epochs: int, train_images: Tensor, validation_images: Tensor
) -> tuple[VAE, list[dict[str, float]]]:
    """A trained model and one record per epoch."""
    negative_log_likelihood = LIKELIHOODS[variant.likelihood]
    model = NETWORKS[variant.network](variant.latent)
    optimizer = torch.optim.Adam(model.parameters(), lr=variant.learning_rate, eps=variant.epsilon)
    history = []
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        reconstruction, kl = train_epoch(
            model,
            shuffled_batches(train_images, variant.batch_size),
            optimizer,
            variant.beta,
            negative_log_likelihood,
        )
        record = {
            "epoch": epoch,
            "objective": reconstruction + variant.beta * kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "seconds": round(time.perf_counter() - began, 2),
        }
        if len(validation_images):
            distortion, kls = evaluate(model, validation_images, 1, negative_log_likelihood)
            record["validation_negative_elbo"] = distortion + sum(kls)
        print("  ".join(f"{k} {v:g}" for k, v in record.items()), flush=True)
        history.append(record)
    return model, history


def describe_data(variant: Variant, training: int, validation: int, test: int) -> dict[str, Any]:
    return {
        "dataset": variant.dataset,
        "training_images": training,
        "validation_images": validation,
        "test_images": test,
        "split": "random, by the seed" if validation else "none: every training image is used",
        "test_is_held_out": not variant.trains_on_test,
        "note": "the 10,000 test images are among the training images, as in the published run"
        if variant.trains_on_test
        else "",
        "pixels": "grey levels in [0, 1], not binarised",
    }


def describe_test(reconstruction: float, kls: list[float]) -> dict[str, Any]:
    kl = sum(kls)
    return {
        "negative_elbo": reconstruction + kl,
        "reconstruction": reconstruction,
        "kl": kl,
        "kl_of_each_latent": kls,
        "latents_in_use": sum(nats > ACTIVE_NATS for nats in kls),
        "samples_per_image": SAMPLES_PER_IMAGE,
        "beta": 1.0,
        "units": "nats an image: summed over pixels and latents, mean over test images",
    }


def run(name: str, folder: Path, epochs: int, seed: int) -> dict[str, Any]:
    variant = VARIANTS[name]
    torch.manual_seed(seed)
    train_images, validation_images, test_images = read_splits(variant, folder)
    began = time.perf_counter()
    model, history = train(variant, epochs, train_images, validation_images)
    seconds = time.perf_counter() - began
    likelihood = LIKELIHOODS[variant.likelihood]
    reconstruction, kls = evaluate(model, test_images, SAMPLES_PER_IMAGE, likelihood)
    if not math.isfinite(reconstruction + sum(kls)):
        raise ArithmeticError(f"{name} diverged: {reconstruction} + {kls}")
    return {
        "name": name,
        "seed": seed,
        "hyperparameters": {**asdict(variant), "epochs": epochs, "optimizer": "Adam"},
        "parameters": sum(p.numel() for p in model.parameters()),
        "data": describe_data(variant, len(train_images), len(validation_images), len(test_images)),
        "test": describe_test(reconstruction, kls),
        "last_training_epoch": {
            "what": "mean over the epoch while the weights moved, one sample an image",
            **{k: history[-1][k] for k in ("objective", "reconstruction", "kl")},
        },
        "published": variant.published,
        "history": history,
        "torch": torch.__version__,
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "training_seconds": round(seconds, 1),
    }


def idx_folder(variant: Variant, root: Path) -> Path:
    """The folder of a dataset's IDX files under a torchvision root."""
    folders = {"fashion_mnist": "FashionMNIST", "mnist": "MNIST"}
    return root / folders[variant.dataset] / "raw"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=VARIANTS)
    parser.add_argument("--root", type=Path, default=Path("data"), help="a torchvision root")
    parser.add_argument("--data", type=Path, help="a folder of IDX gz files")
    parser.add_argument("--epochs", type=int, help="default: those of the variant")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    arguments = parser.parse_args()
    variant = VARIANTS[arguments.name]
    folder = arguments.data or idx_folder(variant, arguments.root)
    result = run(arguments.name, folder, arguments.epochs or variant.epochs, arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{arguments.name}-seed{arguments.seed}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    test = result["test"]
    print(
        f"{arguments.name}: test -ELBO {test['negative_elbo']:.2f} = "
        f"{test['reconstruction']:.2f} + {test['kl']:.2f} nats, "
        f"{test['latents_in_use']} of {variant.latent} latents in use; written to {path}"
    )


if __name__ == "__main__":
    main()
