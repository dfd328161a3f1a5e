"""VZ2xx: what may stand where in a spec."""

from vaezoo.diagnostics.explanations.explanation import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "VZ201",
        """\
A key or parameter that is not known at this place, most often a misspelt one. It is not passed
over, since a misspelt key that is passed over leaves the default in place and nobody notices.""",
        "Correct the key; the message names the nearest one and all that there are.",
        bad=Example("train:\n  batchsize: 64"),
        good=Example("train:\n  batch_size: 64"),
    ),
    Explanation(
        "VZ202",
        """\
A key without which nothing can be built is not there, in this file or in a base that it
extends. Most keys have defaults; vaezoo, name, dataset, model.latent, model.encoder,
model.decoder and train.epochs have none.""",
        "Add the key.",
        bad=Example(
            "vaezoo: 1\n"
            "name: my_vae\n"
            "dataset: fashion_mnist\n"
            "model: {encoder: mlp, decoder: mlp}\n"
            "train: {epochs: 10}"
        ),
        good=Example(
            "vaezoo: 1\n"
            "name: my_vae\n"
            "dataset: fashion_mnist\n"
            "model: {latent: 2, encoder: mlp, decoder: mlp, likelihood: continuous_bernoulli}\n"
            "train: {epochs: 10}"
        ),
    ),
    Explanation(
        "VZ203",
        """\
The value is of another type than belongs here, such as text for a number. Nothing is converted,
with one exception: a whole number may stand where any number belongs. What is in quotes is
text.""",
        "Write a value of the type that the message names.",
        bad=Example('train:\n  epochs: "30"'),
        good=Example("train:\n  epochs: 30"),
    ),
    Explanation(
        "VZ204",
        """\
The value has the right type, but lies outside the range, list or pattern of its key.""",
        "Choose a value within the range or list that the message names.",
        bad=Example("train:\n  validation: 1.5"),
        good=Example("train:\n  validation: 0.15"),
    ),
    Explanation(
        "VZ205",
        """\
The first key of a spec, vaezoo, says which version of the format it is written in. This vaezoo
does not read that version.""",
        "Write vaezoo: 1, or upgrade vaezoo for a newer format.",
        bad=Example("vaezoo: 9"),
        good=Example("vaezoo: 1"),
    ),
    Explanation(
        "VZ206",
        """\
extends names a base that cannot be used: there is no such file, the bases extend each other in a
circle, or the path leaves the folder of the first spec. The last is refused so that a spec can be
moved with its folder, and one from a stranger reads nothing else.""",
        "Make extends a relative path to a spec in the same folder or below it.",
        bad=Example("extends: ../bases/mlp.yaml"),
        good=Example(
            "extends: bases/mlp.yaml",
            beside={
                "bases/mlp.yaml": "model:\n  encoder: {use: mlp, hidden: [400]}\n"
                "  decoder: {use: mlp, hidden: [400]}"
            },
        ),
    ),
    Explanation(
        "VZ207",
        """\
An argument of --set cannot be read or applied: it has no equals sign, its path leads through
something that is no mapping or to an item that a list does not have, or its value is not YAML. A
key that is merely unknown is VZ201, as in a file.""",
        "Write --set key.path=value with a key that the spec can have.",
        bad=Example("$ vaezoo validate spec.yaml --set loss.beta"),
        good=Example("$ vaezoo validate spec.yaml --set loss.beta=4"),
    ),
    Explanation(
        "VZ208",
        """\
matrix varies keys over lists of values, and the spec stands for every combination. This one
cannot be laid out: it is no mapping of keys to lists, a list is empty or holds a value twice, a
key cannot be varied, or there are too many combinations.""",
        "Give each key of the matrix a list of values that differ.",
        bad=Example("matrix:\n  loss.beta: 4"),
        good=Example("matrix:\n  loss.beta: [1, 2, 4]"),
    ),
)
