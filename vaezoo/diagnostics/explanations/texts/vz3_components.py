"""VZ3xx: components and the plugins that supply them."""

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_WIDE = """\
from vaezoo import hookimpl
from vaezoo.components.encoders import MLPEncoder

class Wide(MLPEncoder, use="wide"):
    \"\"\"An MLP with two wide layers.\"\"\"

    hidden: tuple[int, ...] = (1024, 1024)

@hookimpl
def vaezoo_components():
    return [Wide]"""

EXPLANATIONS = (
    Explanation(
        "VZ301",
        """\
No component of this name and kind is registered: the name is misspelt, or the plugin that
supplies it is not there. A spec names components only; it cannot import anything by itself.""",
        "Correct the name, or add the plugin that has it; vaezoo plugins list shows all.",
        bad=Example("model:\n  encoder: resnet"),
        good=Example("model:\n  encoder: conv\n  decoder: conv_transpose"),
    ),
    Explanation(
        "VZ302",
        """\
Two plugins supply a component of this kind and name. Neither wins by order of installation,
since the same spec would then train another model on another machine.""",
        "Say which plugin is meant, as plugin:name.",
        bad=Example("model:\n  encoder: wide", beside={"one.py": _WIDE, "two.py": _WIDE}),
        good=Example('model:\n  encoder: "one:wide"', beside={"one.py": _WIDE, "two.py": _WIDE}),
    ),
    Explanation(
        "VZ303",
        """\
A plugin cannot be imported, breaks the contract, or one of its components failed when it was
asked something. Only what needs that plugin stops; everything else goes on.""",
        "Repair or update the plugin, or leave it out with VAEZOO_DISABLE_PLUGINS.",
        bad=Example(
            "$ vaezoo --plugin tools.py validate spec.yaml",
            beside={"tools.py": "import a_module_that_is_not_installed"},
        ),
        good=Example("$ vaezoo --plugin tools.py validate spec.yaml", beside={"tools.py": _WIDE}),
    ),
    Explanation(
        "VZ304",
        """\
A trained model needs a component whose plugin is not there, or not in a version that has it. An
entry of the zoo holds no code: its lock names the plugins that it was made with.""",
        "Install the plugin in the version that the message names, or give its file.",
        bad=Example("$ vaezoo sample wide_vae", beside={"wide.py": _WIDE}),
        good=Example("$ vaezoo --plugin wide.py sample wide_vae", beside={"wide.py": _WIDE}),
    ),
    Explanation(
        "VZ305",
        """\
A trained model was made with another version of a plugin than the one that is installed. It is
loaded all the same, but the code that its figures were taken with may have been another. Of
vaezoo itself this is said only where a file that the model is built from has changed.""",
        "Install the version that the message names, or train the model again with this one.",
        bad=Example("$ pip install -U vaezoo-wide\n$ vaezoo sample wide_vae"),
        good=Example("$ pip install 'vaezoo-wide==1.0'\n$ vaezoo sample wide_vae"),
        severity=Severity.WARNING,
    ),
    Explanation(
        "VZ306",
        """\
The code of a plugin has changed since a trained model was made, although its version has not.
That happens while a plugin is being written. The model is loaded all the same, but it may not be
the one that its figures were taken from. The lock of an entry holds a digest of all Python files
of each plugin's package; of vaezoo itself, of each component's own file.""",
        "Train the model again, or get back the code that it was made with.",
        bad=Example("$ vaezoo --plugin wide.py sample wide_vae", beside={"wide.py": _WIDE + "\n"}),
        good=Example("$ vaezoo --plugin wide.py sample wide_vae", beside={"wide.py": _WIDE}),
        severity=Severity.WARNING,
    ),
)
