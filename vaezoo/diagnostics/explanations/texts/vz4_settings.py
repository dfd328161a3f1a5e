"""VZ40x: shapes, and settings that contradict each other."""

from vaezoo.diagnostics.explanations.explanation import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "VZ401",
        """\
The images do not fit through the model: a kernel is larger than what is left of an image, there
is not one kernel and stride for each layer, or a component gives another shape than the next one
takes. Encoders make (mean, log_var) of shape (B, latent) each, decoders (B, P·C, H, W) with the P
numbers a pixel that the likelihood asks for.

Components tell by arithmetic where they can. With --shapes, validate builds the model without
memory for its weights and sends images through, which also finds what a plugin does not tell.""",
        "Use fewer or smaller layers, or give one kernel and stride for each layer.",
        bad=Example(
            "model:\n  encoder: {use: conv, channels: [32, 64], kernel: [3, 3, 3]}\n"
            "  decoder: {use: conv_transpose, channels: [64, 32]}"
        ),
        good=Example(
            "model:\n  encoder: {use: conv, channels: [32, 64], kernel: [3, 3]}\n"
            "  decoder: {use: conv_transpose, channels: [64, 32]}"
        ),
    ),
    Explanation(
        "VZ402",
        """\
Two settings cannot both hold: early stopping or a target watches validation images and none are
held out, a target names a figure that nothing takes, two targets for one figure lie too far
apart, two specs have one name. Training would end in an error, or in a target that is missed
whatever comes out.""",
        "Change one of the two settings that the message names.",
        bad=Example("train:\n  validation: 0\n  early_stopping: {patience: 5}"),
        good=Example("train:\n  validation: 0.1\n  early_stopping: {patience: 5}"),
    ),
)
