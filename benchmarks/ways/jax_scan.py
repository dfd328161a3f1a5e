"""JAX: shuffling, steps and Adam of a whole epoch as one jitted program, ``lax.scan`` inside."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from worker import WORKS, serve

BETA1, BETA2, EPS, LR = 0.9, 0.999, 1e-8, 1e-3
NHWC = ("NHWC", "HWIO", "NHWC")


def dense(key, before: int, after: int):
    bound = before**-0.5
    one, two = jax.random.split(key)
    return {
        "w": jax.random.uniform(one, (before, after), minval=-bound, maxval=bound),
        "b": jax.random.uniform(two, (after,), minval=-bound, maxval=bound),
    }


def kernel(key, before: int, after: int):
    bound = (9 * before) ** -0.5
    return {
        "w": jax.random.uniform(key, (3, 3, before, after), minval=-bound, maxval=bound),
        "b": jnp.zeros((after,)),
    }


def linear(p, x):
    return x @ p["w"] + p["b"]


def shrink(p, x):
    padding = ((1, 1), (1, 1))
    return lax.conv_general_dilated(x, p["w"], (2, 2), padding, dimension_numbers=NHWC) + p["b"]


def grow(p, x):
    return lax.conv_transpose(x, p["w"], (2, 2), "SAME", dimension_numbers=NHWC) + p["b"]


def mlp(key, latent: int):
    keys = jax.random.split(key, 5)
    widths = ((784, 400), (400, latent), (400, latent), (latent, 400), (400, 784))
    p = [dense(k, *pair) for k, pair in zip(keys, widths, strict=True)]

    def encode(p, x):
        h = jax.nn.relu(linear(p[0], x))
        return linear(p[1], h), linear(p[2], h)

    def decode(p, z):
        return linear(p[4], jax.nn.relu(linear(p[3], z)))

    return p, encode, decode


def conv(key, latent: int):
    k = jax.random.split(key, 7)
    p = [
        kernel(k[0], 1, 32),
        kernel(k[1], 32, 64),
        dense(k[2], 3136, latent),
        dense(k[3], 3136, latent),
        dense(k[4], latent, 3136),
        kernel(k[5], 64, 32),
        kernel(k[6], 32, 1),
    ]

    def encode(p, x):
        h = jax.nn.relu(shrink(p[0], x.reshape(-1, 28, 28, 1)))
        h = jax.nn.relu(shrink(p[1], h)).reshape(len(x), -1)
        return linear(p[2], h), linear(p[3], h)

    def decode(p, z):
        h = jax.nn.relu(linear(p[4], z)).reshape(-1, 7, 7, 64)
        return grow(p[6], jax.nn.relu(grow(p[5], h))).reshape(len(z), -1)

    return p, encode, decode


def prepare(work: str, images: np.ndarray):
    size = WORKS[work].batch_size
    parameters, encode, decode = {"mlp": mlp, "conv": conv}[work](
        jax.random.key(0), WORKS[work].latent
    )
    stored = jnp.asarray(images.reshape(len(images), -1))
    steps = len(images) // size  # without the shorter last batch: shapes are static

    def objective(p, x, key):
        mean, log_var = encode(p, x)
        z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
        logits = decode(p, z)
        bce = jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))
        kl = -0.5 * (1 + log_var - mean**2 - jnp.exp(log_var))
        return (bce.sum(1) + kl.sum(1)).mean()

    def step(carry, batch):
        p, m, v, t = carry
        indices, key = batch
        x = stored[indices].astype(jnp.float32) / 255
        loss, g = jax.value_and_grad(objective)(p, x, key)
        t = t + 1
        m = jax.tree.map(lambda a, b: BETA1 * a + (1 - BETA1) * b, m, g)
        v = jax.tree.map(lambda a, b: BETA2 * a + (1 - BETA2) * b * b, v, g)
        rate, correction = LR / (1 - BETA1**t), 1 / jnp.sqrt(1 - BETA2**t)
        p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) * correction + EPS), p, m, v)
        return (p, m, v, t), loss

    @jax.jit
    def epoch(carry, key):
        one, two = jax.random.split(key)
        order = jax.random.permutation(one, len(images))[: steps * size].reshape(steps, size)
        return lax.scan(step, carry, (order, jax.random.split(two, steps)))

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    held = {"carry": (parameters, zeros, zeros, jnp.float32(0)), "key": jax.random.key(1)}

    def run() -> None:
        held["key"], key = jax.random.split(held["key"])
        held["carry"], losses = epoch(held["carry"], key)
        losses.block_until_ready()

    return run, {}


if __name__ == "__main__":
    serve(prepare, "jax", "jaxlib")
