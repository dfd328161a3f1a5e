"""VZ5xx: entries of the zoo, and names on the command line."""

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "VZ501",
        """\
No entry of this name lies in the folder given by --zoo, in $VAEZOO_ZOO, in ./zoo, or among those
that come with vaezoo; or the path given leads to no entry and no weights file.""",
        "Correct the name or the folder; vaezoo zoo list shows every entry.",
        bad=Example("$ vaezoo zoo show fashion_mlp3"),
        good=Example("$ vaezoo zoo show fashion_mlp2"),
    ),
    Explanation(
        "VZ502",
        """\
The entry or weights file is there, but is not what vaezoo writes: it was cut short, changed, or
comes from elsewhere. The weights file holds a digest of its tensors and a seal of its texts, and a
manifest has the digest of every file, so that a change does not go unnoticed. Only regular files
of bounded size are read, never through a link. Other entries are not affected.""",
        "Fetch or train it again; vaezoo zoo restore NAME brings back an earlier one.",
        bad=Example(
            "$ head -c 5000 model.safetensors > part.safetensors\n"
            "$ vaezoo zoo show ./part.safetensors"
        ),
        good=Example("$ vaezoo zoo show ./model.safetensors"),
    ),
    Explanation(
        "VZ503",
        """\
A file or folder cannot be written: it does not exist, you lack the permission, the disk is full,
or something is there that is not to be replaced. A file of another kind is only replaced with
--force. In a zoo and in runs, vaezoo neither writes nor deletes through a link, and deletes only
folders that it made. What can be known of it is checked before anything slow begins, and nothing is
written in part.""",
        "Make room on the disk, choose a folder that you can write to, or remove the link.",
        bad=Example("$ vaezoo sample fashion_mlp2 --n 4 --out spec.yaml/samples.png"),
        good=Example("$ vaezoo sample fashion_mlp2 --n 4 --out samples.png"),
    ),
    Explanation(
        "VZ504",
        """\
A name on the command line is not one of those there are: a visualizer, a metric, a code, a kind
of component. Or it is to be the name of a new plugin, and no package can be called so, or one is
already.""",
        "Correct the name; the message says which names there are, or what a name can be.",
        bad=Example("$ vaezoo draw fashion_mlp2 sample"),
        good=Example("$ vaezoo draw fashion_mlp2 samples"),
    ),
    Explanation(
        "VZ505",
        """\
An entry of this zoo was renamed, and is found by the name that it had before. The file
renamed.json in the zoo's folder maps old names to present ones. An entry that has the old name, in
any folder that is searched, is found first.""",
        "Write the present name, which the message gives.",
        bad=Example("$ vaezoo zoo show mnist_jaanli128"),
        good=Example("$ vaezoo zoo show mnist_mlp128"),
        severity=Severity.WARNING,
    ),
    Explanation(
        "VZ506",
        """\
An entry keeps its weights when it is brought up to date, so that a spec given with --spec must be
one that trains the same weights: its name, summary, metrics, visualizers, targets and notes may
differ, and nothing else. Its name must not be that of another entry. A weights file alone has
nothing to bring up to date.""",
        "Give the entry's name or folder, and a spec of the same training; or train the spec.",
        bad=Example("$ vaezoo zoo migrate ./model.safetensors"),
        good=Example("$ vaezoo zoo show ./model.safetensors"),
    ),
)
