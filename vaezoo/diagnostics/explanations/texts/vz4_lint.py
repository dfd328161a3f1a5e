"""VZ41x: warnings of the lint, with the arithmetic and the measurements behind them.

Measured figures are the validation ELBO, in nats an image, of specs that come with vaezoo.
"""

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_WARNING = Severity.WARNING

EXPLANATIONS = (
    Explanation(
        "VZ411",
        """\
The objective adds two terms, and beta weighs the second one:

    L = −log p(x|z) + β · KL(q(z|x) || p(z))

Both are sums, over pixels and over latents, averaged over images. What β means depends on what
the first term is.

With a normal likelihood whose deviation σ is fixed, L is up to a constant

    L = ‖x − μ‖² / 2σ² + β · KL

Times σ² it is ½‖x − μ‖² + βσ² · KL: against deviation 1 the KL term weighs βσ². Divided by β it
is ‖x − μ‖² / 2(σ√β)² + KL: the same model comes out of β = 1 with the deviation σ√β. So σ and β
are one setting under two names. With mse, which is σ² = ½, β = 4 weighs 2 against deviation 1, and
trains the model of β = 1 and σ = 1.41. With gaussian and scale: 0.1, the same β weighs 0.04.

Code that averages the first term over the D pixels of an image, but not the second, minimises

    −log p(x|z) / D + β · KL,   at the same place as   −log p(x|z) + βD · KL

so that its β = 0.00025 is 0.196 here for D = 784. A β of 0.01 or less is most often such a one.
β = 0 leaves nothing that holds the latents to the prior, and samples come from anywhere.""",
        "Set the scale or beta, not both; multiply a beta for averaged terms by the number of "
        "pixels; or use gaussian with scale: learned, beside which beta is a weight of its own.",
        bad=Example(
            "model:\n  likelihood: {use: gaussian, scale: 0.1}\nloss: {use: elbo, beta: 4}"
        ),
        good=Example(
            "model:\n  likelihood: {use: gaussian, scale: 0.2}\nloss: {use: elbo, beta: 1}"
        ),
        severity=_WARNING,
    ),
    Explanation(
        "VZ412",
        """\
bernoulli is the probability of a pixel that is black or white. On a grey level x between 0 and 1
its formula is still defined, and most published examples train with it:

    Σ x log p + (1 − x) log (1 − p)

But it is the logarithm of no probability then. It cannot rise above −H(x), the negative entropy of
the grey levels themselves, reached at p = x: on the test images −189.86 nats for Fashion-MNIST and
−45.53 for MNIST. The figure called elbo is no bound on log p(x), says nothing on bits a pixel, and
is no match for results on binarised images. As a reconstruction error it is a fine one: the best p
is the grey level.""",
        "Use continuous_bernoulli or gaussian for a density on grey levels. Where the "
        "cross-entropy is meant, say so with ignore: [VZ412].",
        bad=Example("dataset: fashion_mnist\nmodel:\n  likelihood: bernoulli"),
        good=Example("dataset: fashion_mnist\nmodel:\n  likelihood: continuous_bernoulli"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ413",
        """\
With a normal likelihood of fixed deviation σ, the squared error counts 1/2σ² as much as the KL
term from the first step to the last, however good the model becomes. The best σ is the size of the
errors that are left, as maximum likelihood has it for D pixels (Rybkin, Daniilidis and Levine
2021):

    σ² = mean of ‖x − μ‖² / D

A σ far above it makes errors cheap, and latents are given up; one far below it makes the KL term
next to nothing, and the prior no longer looks like the latents. β counts in as σ√β (vaezoo explain
VZ411), and this warning is about that number.

Above 0.5 no model can want it: a number between 0 and 1 has a variance of at most ¼, so that even
one mean image for all has smaller errors. mse is σ = 0.71. At 0.02 the KL term is next to nothing,
and still the errors that two of the shipped models left were 0.12 a pixel.

KL in nats after 2 epochs, with all else alike:

    σ                     0.005    0.02   learned     0.5     1.0     3.0
    Fashion-MNIST, 10 z   130.9    93.2      21.1    12.9     5.4     0.7
    MNIST, 20 z               -   198.6      19.8    17.3     5.1     0.0""",
        "Use {use: gaussian, scale: learned}, or a scale near the errors that you expect, such as "
        "0.1 to 0.3.",
        bad=Example("model:\n  likelihood: {use: gaussian, scale: 2.0}"),
        good=Example("model:\n  likelihood: {use: gaussian, scale: learned}"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ414",
        """\
Steps of this size overshoot: the objective becomes NaN, or the model is thrown to a place from
which it does not come back, often one that ignores its latents.

With Adam, 0.05 and more failed for every model tried. Fashion-MNIST and MNIST, batches of 64 and
128; ELBO after 3 epochs, of the two convolutional models after 1:

    learning rate             0.001     0.01     0.05      0.1        1
    Fashion-MNIST, MLP, 2 z  −269.2   −268.0   −281.1   −330.5   −12714
    MNIST, MLP, 20 z         −113.1   −124.3   −189.6   −212.9     −7e8
    Fashion-MNIST, conv, 12  −258.7   −259.5     −2e9        -        -
    MNIST, conv, 2 z         −172.5   −206.4   −303.5        -        -

−206.4 is what a model scores on MNIST that gives every image the same mean. The bound for adamw
is that of adam.

With sgd what counts is the step with its momentum m summed up, lr / (1 − m). From 0.1 on it gave
NaN within the first epoch: lr: 0.01 with momentum 0.9 for Fashion-MNIST, 0.1 for both, and 0.1
without momentum too. With train.gradient_clip: 10 the first of them trained well, so that sgd
with clipped gradients gives no warning.

Other optimizers say themselves what they can bear, through highest_lr.""",
        "Begin with 1e-3 for adam and 1e-4 for sgd, and raise it by factors of 3 while the "
        "validation ELBO improves.",
        bad=Example("train:\n  optimizer: {use: adam, lr: 0.1}"),
        good=Example("train:\n  optimizer: {use: adam, lr: 1e-3}"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ415",
        """\
The gradient of a small batch is a noisy estimate, and with sgd the noise goes into the weights as
it is. A learning rate that large batches bear can then be too large. The bound for sgd falls in
proportion to the batch below 64 images, which is the linear scaling rule (Goyal et al. 2017,
arXiv:1706.02677) read backwards:

    lr / (1 − m) < 0.1 · min(1, batch / 64)

Fashion-MNIST, MLP with 2 latents, lr: 1e-3 and momentum 0.9, ELBO after one epoch:

    batch        64        8        4        1
    ELBO     −283.5   −349.5   −386.8      NaN

Adam divides each step by the size of the gradients, noise included, and bears small batches: with
1e-3, batches of 1 gave −271.0 and −118.4 after an epoch, those of 64 and 128 −275.8 and −130.1.
They only take many times longer.""",
        "Take batches of 64 or 128 images, lower the learning rate with the batch, or set "
        "train.gradient_clip.",
        bad=Example("train:\n  batch_size: 4\n  optimizer: {use: sgd, lr: 1e-3}"),
        good=Example("train:\n  batch_size: 64\n  optimizer: {use: sgd, lr: 1e-3}"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ416",
        """\
A target compares a figure of this run with a published one. That means something only where both
were taken in the same way. This one was not:

its figure is elbo, which always has β = 1, and the spec trains for a β below 0.5 or above 2;

its likelihood, binarisation or samples are not those of the spec, its dataset or its metric.

Figures in bits per dimension must be converted first: b bits per dimension in D dimensions are

    b · D · ln 2 nats per image

The keys likelihood, binarisation and samples of a target are optional. They are there to be
compared, so it is worth writing them down where the source has them.

A figure that is better than published by more than the tolerance was most often taken in another
way, too. Where the zoo holds an entry of the spec's name with such a figure, the target needs a
note that says where the difference comes from. The note stands beside the verdict in the card,
the report and 'vaezoo zoo show', and 'vaezoo verify' asks for it.""",
        "Compare with a figure of the same kind, change the spec to the protocol of the source, or "
        "explain the difference in the target's note.",
        bad=Example(
            "model:\n"
            "  likelihood: gaussian\n"
            "targets:\n"
            "  - {metric: test/elbo, value: -86.8, tolerance: 0.5, source: a paper,\n"
            "     likelihood: bernoulli, binarisation: static}"
        ),
        good=Example(
            "model:\n"
            "  likelihood: gaussian\n"
            "targets:\n"
            "  - {metric: test/elbo, value: 540, tolerance: 5, source: a paper,\n"
            "     likelihood: gaussian, binarisation: none}"
        ),
        severity=_WARNING,
    ),
    Explanation(
        "VZ417",
        """\
No model reaches this target, since the figure cannot be there: elbo is not above 0 where the
likelihood is a probability or a squared error, the costs objective, reconstruction and kl are
not below 0, and there are no more active units than latents. A density may exceed 1, so that elbo
may be positive with gaussian and continuous_bernoulli.

Most often the sign is wrong: papers and code print the loss, which is −ELBO.""",
        "Turn the sign, or correct the value.",
        bad=Example(
            "model:\n"
            "  likelihood: mse\n"
            "targets: [{metric: test/elbo, value: 35.2, tolerance: 1, source: a log}]\n"
            "ignore: [VZ413]"
        ),
        good=Example(
            "model:\n"
            "  likelihood: mse\n"
            "targets: [{metric: test/elbo, value: -35.2, tolerance: 1, source: a log}]\n"
            "ignore: [VZ413]"
        ),
        severity=_WARNING,
    ),
    Explanation(
        "VZ418",
        """\
The picture is drawn, but says little of such a model. manifold shows a plane of two latents: of
twelve it leaves ten at 0, and shows a slice that few images lie near. Each visualizer says
itself, by its method problem, what it does not suit.""",
        "Leave the visualizer out, or use one that shows every latent, such as traversals.",
        bad=Example("model:\n  latent: 12\nvisualizers: [samples, manifold]"),
        good=Example("model:\n  latent: 12\nvisualizers: [samples, traversals]"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ419",
        """\
Early stopping ends a run when the validation ELBO has not risen for patience epochs. The first
epoch is the earliest that can be the best, so with a patience of epochs − 1 or more the run always
goes to its end. What is left of early stopping is that the best weights are kept.""",
        "Lower the patience, or train for more epochs.",
        bad=Example("train:\n  epochs: 20\n  early_stopping: {patience: 50}"),
        good=Example("train:\n  epochs: 20\n  early_stopping: {patience: 5}"),
        severity=_WARNING,
    ),
    Explanation(
        "VZ420",
        """\
ignore names a warning that this spec does not give. It was mended, or never there; left in place,
the entry would hide the warning when there is reason for it. A code that is ignored by a base for
other specs is not meant, nor one that some members of a matrix need.""",
        "Take the code out of ignore.",
        bad=Example("model:\n  likelihood: continuous_bernoulli\nignore: [VZ412]"),
        good=Example("model:\n  likelihood: bernoulli\nignore: [VZ412]"),
        severity=_WARNING,
    ),
)
