"""pythae's BaseTrainer on the same network, with images in its in-memory datasets."""

from __future__ import annotations

import logging
import tempfile

import numpy as np
import torch
from networks import DEVICE, network, pixels
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from worker import WORKS, serve


class Encoder(BaseEncoder):
    def __init__(self, inner) -> None:
        BaseEncoder.__init__(self)
        self.inner = inner

    def forward(self, x):
        mean, log_var = self.inner.encode(x)
        return ModelOutput(embedding=mean, log_covariance=log_var)


class Decoder(BaseDecoder):
    def __init__(self, inner) -> None:
        BaseDecoder.__init__(self)
        self.inner = inner

    def forward(self, z):
        return ModelOutput(reconstruction=torch.sigmoid(self.inner(z)))


def prepare(work: str, images: np.ndarray):
    logging.disable(logging.INFO)
    parts, floats = network(work), pixels(images)
    decoder, parts.decoder = parts.decoder, torch.nn.Identity()  # each half has its own weights
    config = VAEConfig(
        input_dim=(1, 28, 28), latent_dim=WORKS[work].latent, reconstruction_loss="bce"
    )
    model = VAE(model_config=config, encoder=Encoder(parts), decoder=Decoder(decoder))
    plan = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(prefix="pythae-benchmark-"),
        num_epochs=1,
        learning_rate=1e-3,
        per_device_train_batch_size=WORKS[work].batch_size,
        optimizer_cls="Adam",
        no_cuda=DEVICE.type == "cpu",
    )
    trainer = BaseTrainer(
        model=model,
        train_dataset=BaseDataset(floats, torch.zeros(len(floats))),
        training_config=plan,
    )
    trainer.prepare_training()
    return lambda: trainer.train_step(1), {}


if __name__ == "__main__":
    serve(prepare, "pythae", "torch")
