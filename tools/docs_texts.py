"""Text of the generated pages that is not in docstrings: examples and initializers."""

from __future__ import annotations

#: An example of each built-in component in a spec: (kind, name) -> YAML.
EXAMPLES = {
    ("dataset", "fashion_mnist"): "dataset: fashion_mnist",
    ("dataset", "mnist"): "dataset: {use: mnist, training_images: all}",
    ("dataset", "binarized_mnist"): "dataset: {use: binarized_mnist, binarize: dynamic}",
    ("dataset", "kmnist"): "dataset: {use: kmnist, root: ~/data, download: false}",
    ("dataset", "qmnist"): "dataset: {use: qmnist, test_images: last_50000}",
    ("dataset", "emnist"): "dataset: {use: emnist, split: letters}",
    ("dataset", "cifar10"): "dataset: cifar10",
    ("dataset", "svhn"): "dataset: svhn",
    ("dataset", "image_folder"): (
        "dataset: {use: image_folder, path: pictures, height: 32, channels: 1}"
    ),
    ("encoder", "mlp"): "model:\n  encoder: {use: mlp, hidden: [512, 256], activation: tanh}",
    ("encoder", "conv"): (
        "model:\n  encoder: {use: conv, channels: [32, 64, 64], stride: [2, 2, 1], dense: [128]}"
    ),
    ("posterior", "diagonal_gaussian"): (
        "model:\n  posterior: {use: diagonal_gaussian, scale: softplus}"
    ),
    ("posterior", "full_covariance"): "model:\n  posterior: full_covariance",
    ("posterior", "laplace"): "model:\n  posterior: laplace",
    ("topology", "single"): "model:\n  topology: single",
    ("decoder", "mlp"): "model:\n  decoder: {use: mlp, hidden: [256, 512], init: glorot_uniform}",
    ("decoder", "conv_transpose"): (
        "model:\n"
        "  decoder: {use: conv_transpose, channels: [64, 64, 32], stride: [1, 2, 2], dense: [128]}"
    ),
    ("likelihood", "bernoulli"): "model:\n  likelihood: bernoulli",
    ("likelihood", "continuous_bernoulli"): "model:\n  likelihood: continuous_bernoulli",
    ("likelihood", "gaussian"): "model:\n  likelihood: {use: gaussian, scale: 0.1}",
    ("likelihood", "mse"): "model:\n  likelihood: {use: mse, mean: linear}",
    ("prior", "standard_normal"): "model:\n  prior: standard_normal",
    ("loss", "elbo"): "loss: {use: elbo, beta: {linear: [0, 4], epochs: 10}, free_bits: 0.1}",
    ("optimizer", "adam"): (
        "train:\n  optimizer: {use: adam, lr: {cosine: [1e-3, 1e-5], epochs: 20}}"
    ),
    ("optimizer", "adamw"): "train:\n  optimizer: {use: adamw, lr: 3e-4, weight_decay: 0.05}",
    ("sampler", "prior"): "sampler: prior",
    ("sampler", "aggregated_posterior"): "sampler: {use: aggregated_posterior, points: 2000}",
    ("sampler", "gaussian_mixture"): "sampler: {use: gaussian_mixture, components: 20}",
    ("optimizer", "sgd"): "train:\n  optimizer: {use: sgd, lr: 1e-4, nesterov: true}",
    ("optimizer", "rmsprop"): "train:\n  optimizer: {use: rmsprop, lr: 1e-3, centered: true}",
    ("metric", "elbo"): "metrics: [{use: elbo, samples: 100}, active_units]",
    ("metric", "active_units"): "metrics: [elbo, {use: active_units, threshold: 0.02}]",
    ("metric", "importance_weighted"): "metrics: [elbo, {use: importance_weighted, samples: 5000}]",
    ("metric", "information"): "metrics: [elbo, {use: information, samples: 4}]",
    ("metric", "reconstruction_error"): "metrics: [elbo, reconstruction_error]",
    ("metric", "entropy_floor"): "metrics: [elbo, entropy_floor]",
    ("metric", "linear_probe"): "metrics: [elbo, {use: linear_probe, penalty: 1e-3}]",
    ("metric", "nearest_neighbours"): "metrics: [elbo, {use: nearest_neighbours, neighbours: 5}]",
    ("metric", "amortisation_gap"): "metrics: [elbo, {use: amortisation_gap, images: 500}]",
    ("metric", "sample_quality"): "metrics: [elbo, {use: sample_quality, neighbours: 5}]",
    ("visualizer", "loss_curves"): "visualizers: [loss_curves]",
    ("visualizer", "samples"): "visualizers: [{use: samples, n: 100, columns: 20}]",
    ("visualizer", "reconstructions"): "visualizers: [{use: reconstructions, n: 12, bands: 3}]",
    ("visualizer", "latent_scatter"): "visualizers: [{use: latent_scatter, points: 2000}]",
    ("visualizer", "manifold"): "visualizers: [{use: manifold, n: 30}]",
    ("visualizer", "traversals"): "visualizers: [{use: traversals, span: 2.5, image: 7}]",
    ("visualizer", "interpolations"): "visualizers: [{use: interpolations, pairs: 4, steps: 11}]",
}

#: Initial weights by initializer. All except ``pytorch`` set biases to 0.
INITIALIZERS = {
    "pytorch": "PyTorch's default for each layer, biases included",
    "glorot_uniform": "uniform, variance 2 / (fan in + fan out) (Glorot and Bengio 2010)",
    "glorot_normal": "normal with the same variance",
    "he_uniform": "uniform, variance 2 / fan in (He et al. 2015)",
    "he_normal": "normal with the same variance",
    "orthogonal": "a random orthogonal matrix (Saxe et al. 2014)",
}
