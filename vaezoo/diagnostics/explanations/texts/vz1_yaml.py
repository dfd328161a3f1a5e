"""VZ1xx: files and YAML."""

from vaezoo.diagnostics.explanations.explanation import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "VZ101",
        """\
The path leads to nothing that can be read as a spec: there is no such file, it is a folder, a
pipe or a link to nothing, you lack the permission, or a folder or pattern holds no spec.""",
        "Check the path and its permissions; specs end in .yaml or .yml.",
        bad=Example("$ vaezoo validate spec.yml"),
        good=Example("$ vaezoo validate spec.yaml"),
    ),
    Explanation(
        "VZ102",
        """\
A spec is text in UTF-8. This file holds a byte that UTF-8 does not allow at that place: often an
accented letter from an editor that saves in another encoding, or a file that is no text at all.""",
        "Save the file as UTF-8.",
        bad=Example(
            "$ printf 'summary: d\\351j\\340 vu\\n' >> spec.yaml\n$ vaezoo validate spec.yaml"
        ),
        good=Example(
            "$ printf 'summary: d\\303\\251j\\303\\240 vu\\n' >> spec.yaml\n"
            "$ vaezoo validate spec.yaml"
        ),
    ),
    Explanation(
        "VZ103",
        """\
The text is not YAML: a bracket or quote that never closes, a tab that indents, a colon in text
without quotes, an alias without its anchor. The place shown is where reading could not go on; the
cause is there or shortly before it.""",
        "Repair the YAML at the place shown; often a quote, bracket or indentation.",
        bad=Example("summary: My model: the second try"),
        good=Example('summary: "My model: the second try"'),
    ),
    Explanation(
        "VZ104",
        """\
A mapping has the same key twice. Most readers of YAML silently let the last one win, so that a
value somebody set by hand has no effect. vaezoo takes neither.""",
        "Keep one of the two keys.",
        bad=Example("loss:\n  use: elbo\n  beta: 4\n  free_bits: 0.1\n  beta: 1"),
        good=Example("loss:\n  use: elbo\n  beta: 4\n  free_bits: 0.1"),
    ),
    Explanation(
        "VZ105",
        """\
A tag such as !!python/object can make a reader of YAML run code. A spec is plain data, so that
one from a stranger can be read safely, and no tag is allowed in it.""",
        "Remove the tag: text, numbers, lists and mappings need none.",
        bad=Example("summary: !!str My model"),
        good=Example("summary: My model"),
    ),
    Explanation(
        "VZ106",
        """\
The file has more than 1 MiB, or holds more than 10,000 values, aliases counted in full. No spec
needs that many; text that unfolds so far is a mistake or meant to use up memory.""",
        "Check that the file is a spec; no spec needs that many values.",
        bad=Example(
            "a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
            "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
            "d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]"
        ),
        good=Example(
            "model:\n"
            "  encoder: {use: mlp, hidden: &widths [400, 400]}\n"
            "  decoder: {use: mlp, hidden: *widths}"
        ),
    ),
    Explanation(
        "VZ107",
        """\
Lists and mappings stand in each other more than 64 levels deep. No spec needs more than about
eight.""",
        "Check that the file is a spec; no spec is nested that deeply.",
        bad=Example(f"metrics: {'[' * 70}elbo{']' * 70}"),
        good=Example("metrics: [elbo]"),
    ),
    Explanation(
        "VZ108",
        """\
A file holds one spec, and a spec is one mapping of keys to values. This file is empty, holds a
list or a single value, or goes on with a second document after a line of three dashes.""",
        "Write one mapping of keys to values in each file.",
        bad=Example("- vaezoo: 1\n- name: my_vae"),
        good=Example(
            "vaezoo: 1\n"
            "name: my_vae\n"
            "dataset: fashion_mnist\n"
            "model: {latent: 2, encoder: mlp, decoder: mlp, likelihood: continuous_bernoulli}\n"
            "train: {epochs: 10}"
        ),
    ),
)
