"""What the generated pages say beyond docstrings: examples, initialisers, advice for codes."""

from __future__ import annotations

#: An example of each built-in component, as it stands in a spec: (kind, name) -> YAML.
EXAMPLES = {
    ("dataset", "fashion_mnist"): "dataset: fashion_mnist",
    ("dataset", "mnist"): "dataset: {use: mnist, training_images: all}",
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
    ("optimizer", "sgd"): "train:\n  optimizer: {use: sgd, lr: 1e-4, nesterov: true}",
    ("metric", "elbo"): "metrics: [{use: elbo, samples: 100}, active_units]",
    ("metric", "active_units"): "metrics: [elbo, {use: active_units, threshold: 0.02}]",
    ("visualizer", "loss_curves"): "visualizers: [loss_curves]",
    ("visualizer", "samples"): "visualizers: [{use: samples, n: 100, columns: 20}]",
    ("visualizer", "reconstructions"): "visualizers: [{use: reconstructions, n: 12, bands: 3}]",
    ("visualizer", "latent_scatter"): "visualizers: [{use: latent_scatter, points: 2000}]",
    ("visualizer", "manifold"): "visualizers: [{use: manifold, n: 30}]",
    ("visualizer", "traversals"): "visualizers: [{use: traversals, span: 2.5, image: 7}]",
    ("visualizer", "interpolations"): "visualizers: [{use: interpolations, pairs: 4, steps: 11}]",
}

#: What each initialiser does to weights; all but ``pytorch`` set biases to 0.
INITIALIZERS = {
    "pytorch": "PyTorch's default for each layer, biases included",
    "glorot_uniform": "uniform, variance 2 / (fan in + fan out) (Glorot and Bengio 2010)",
    "glorot_normal": "normal with the same variance",
    "he_uniform": "uniform, variance 2 / fan in (He et al. 2015)",
    "he_normal": "normal with the same variance",
    "orthogonal": "a random orthogonal matrix (Saxe et al. 2014)",
}

#: What to do about each code, one sentence.
ADVICE = {
    "VZ101": "Check the path and its permissions; specs end in `.yaml` or `.yml`.",
    "VZ102": "Save the file as UTF-8.",
    "VZ103": "Repair the YAML at the place shown; often a quote, bracket or indentation.",
    "VZ104": "Keep one of the two keys.",
    "VZ105": "Remove the tag (`!…`): a spec is plain data.",
    "VZ106": "Check that the file is a spec; no spec needs that many values.",
    "VZ107": "Check that the file is a spec; no spec is nested that deeply.",
    "VZ108": "Write one mapping of keys to values in each file.",
    "VZ201": "Correct the key; the message names the nearest one and all that there are.",
    "VZ202": "Add the key.",
    "VZ203": "Write a value of the type that the message names.",
    "VZ204": "Choose a value within the range or list that the message names.",
    "VZ205": "Write `vaezoo: 1`, or upgrade vaezoo for a newer format.",
    "VZ206": "Make `extends` a relative path to a spec in the same folder or below it.",
    "VZ207": "Write `--set key.path=value` with a key that the spec can have.",
    "VZ301": "Correct the name, or add the plugin that has it; `vaezoo plugins list` shows all.",
    "VZ302": "Say which plugin is meant, as `plugin:name`.",
    "VZ303": "Repair or update the plugin, or leave it out with `VAEZOO_DISABLE_PLUGINS`.",
    "VZ304": "Install the plugin in the version that the message names.",
    "VZ305": "Install the version that the entry was made with, or train it again with this one.",
    "VZ306": "Get back the code that the entry was made with, or train it again with this one.",
    "VZ401": "Use fewer or smaller layers, or give one kernel and stride for each layer.",
    "VZ402": "Change one of the two settings that the message names.",
    "VZ501": "Correct the name or the folder; `vaezoo zoo list` shows every entry.",
    "VZ502": "Fetch or train it again; `vaezoo zoo restore NAME` brings back an earlier one.",
    "VZ503": "Make room on the disk, or choose a folder that you can write to.",
    "VZ504": "Correct the name; the message lists the names there are.",
    "VZ601": "Check the dataset's path or the network, as the message says.",
    "VZ602": "Choose `--device auto` or one of the devices in the message.",
    "VZ603": "Lower the learning rate or set `train.gradient_clip`, then run again.",
    "VZ604": "Start anew with `vaezoo run SPEC --fresh`.",
    "VZ605": "Give the same command again to go on.",
    "VZ606": "Wait for the other process, or stop it.",
    "VZ607": "Make the model or `train.batch_size` smaller, or take a device with more memory.",
}
