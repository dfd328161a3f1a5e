"""VZ6xx: what keeps a run from going on."""

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "VZ601",
        """\
The images cannot be loaded: a folder or file is missing or damaged, or a download failed. vaezoo
looks for the files before it trains, and compares what it downloads with a checksum.""",
        "Check the dataset's path or the network, as the message says.",
        bad=Example("$ vaezoo run spec.yaml --set 'dataset={use: mnist, root: nowhere}'"),
        good=Example("dataset: mnist"),
    ),
    Explanation(
        "VZ602",
        """\
The device that was asked for is not there, or this build of PyTorch does not support it.""",
        "Choose --device auto or one of the devices in the message.",
        bad=Example("$ vaezoo sample fashion_mlp2 --n 4 --device cuda:99"),
        good=Example("$ vaezoo sample fashion_mlp2 --n 4 --device auto"),
    ),
    Explanation(
        "VZ603",
        """\
The objective or a weight became NaN or infinite, so that nothing that follows means anything.
Mostly the steps are too large for the model; at times a likelihood's scale shrinks towards 0. The
checkpoint of the last whole epoch is kept.""",
        "Lower train.optimizer.lr or set train.gradient_clip, then run again.",
        bad=Example("$ vaezoo run spec.yaml --set 'train.optimizer={use: sgd, lr: 1e6}'"),
        good=Example("$ vaezoo run spec.yaml --set 'train.optimizer={use: sgd, lr: 1e-3}'"),
    ),
    Explanation(
        "VZ604",
        """\
The run has a checkpoint that cannot be gone on from: it is damaged or was changed, which a digest
over all of it shows, or it belongs to other settings, data or another kind of device. Going on
would give a model that no single run could give.""",
        "Start anew with vaezoo run SPEC --fresh.",
        bad=Example(
            "$ for file in runs/*/checkpoint.safetensors; do echo broken > $file; done\n"
            "$ vaezoo run spec.yaml"
        ),
        good=Example("$ vaezoo run spec.yaml --fresh"),
    ),
    Explanation(
        "VZ605",
        """\
The run was stopped by Ctrl-C. The exit code is 130. Nothing is lost but the epoch that was under
way: what the finished run publishes is the same, byte for byte, as without the interruption.""",
        "Give the same command again to go on.",
        bad=Example("$ vaezoo run spec.yaml"),
        good=Example("$ vaezoo run spec.yaml"),
    ),
    Explanation(
        "VZ606",
        """\
Another process trains the same spec with the same settings in this folder. Two of them would
write over each other's checkpoints.""",
        "Wait for the other process, or stop it.",
        bad=Example("$ vaezoo run spec.yaml"),
        good=Example("$ vaezoo run spec.yaml --set train.seed=1"),
    ),
    Explanation(
        "VZ607",
        """\
The model, its gradients or a batch do not fit into the memory of the device. The images need not:
they stay in host memory or on disk where they do not fit. The variables VAEZOO_DEVICE_MEMORY and
VAEZOO_HOST_MEMORY say how much memory they may take, and must be amounts such as 2GB;
VAEZOO_SHARED_BY says how many runs share a machine, and must be a number such as 4.""",
        "Make the model or train.batch_size smaller, or take a device with more memory.",
        bad=Example("$ vaezoo run spec.yaml --set 'model.encoder.hidden=[1000000000000]'"),
        good=Example("$ vaezoo run spec.yaml --set 'model.encoder.hidden=[400]'"),
    ),
    Explanation(
        "VZ608",
        """\
The training step is to be compiled and cannot be, or a stopped run is to go on by another road
than it began on: compiled steps add up in another order, and the weights would come out with
other last digits than those of a run in one piece.""",
        "Leave --compile out, or start anew with vaezoo run SPEC --fresh.",
        bad=Example("$ vaezoo run spec.yaml --compile on"),
        good=Example("$ vaezoo run spec.yaml"),
    ),
    Explanation(
        "VZ609",
        """\
Several processes were started to train one model and cannot: a batch has fewer images than there
are processes, they have different specs or data, they would share one device, or the connection
between them broke because one of them ended. Or the members of a matrix were to train together, and
differ in more than numbers, or have parts that cannot be mapped over members.""",
        "Change what the message names. Where a connection broke, give the same torchrun command "
        "again: the run goes on after its last whole epoch.",
        bad=Example(
            "$ torchrun --nproc-per-node 4 -m vaezoo run spec.yaml --set train.batch_size=2"
        ),
        good=Example("$ vaezoo run spec.yaml --set train.batch_size=2"),
    ),
    Explanation(
        "VZ610",
        """\
The run was to go to a Ray cluster and cannot: Ray is not installed, the cluster cannot be reached
or has less than a run is to have, a machine of it lacks vaezoo or has another version, or does not
see the folder that the command was given in. Or a run's worker ended there, of which Ray says no
more than that.""",
        "Do what the message says. A run whose worker ended goes on after its last whole epoch.",
        bad=Example("$ vaezoo run spec.yaml --on ray --device cuda:1"),
        good=Example("$ vaezoo run spec.yaml --on here"),
    ),
    Explanation(
        "VZ611",
        """\
The images can be used, but perhaps not as they were meant: files of a folder were left out or
converted, class folders look alike, the test split has no image of a class, a batch holds more
images than there are, or no pixel is above 1.

vaezoo reads what it can and says what it did. Nothing is left out without such a warning.""",
        "Read what the message lists. Convert or move the files where that is not what you want.",
        bad=Example("$ vaezoo run spec.yaml --set train.batch_size=100000"),
        good=Example("$ vaezoo run spec.yaml --set train.batch_size=16"),
        severity=Severity.WARNING,
    ),
    Explanation(
        "VZ612",
        """\
The digest of a dataset is not the one in the lock of a trained model: files were added, removed
or changed, or another folder was given. The test split may now hold images that the model was
trained on, so figures on it may look better than they are.

Figures and pictures are still shown, with this warning. vaezoo evaluate --record refuses to write
them to the entry, and vaezoo verify fails.""",
        "Restore the files, or give the folder that holds them with --set dataset.path=FOLDER. "
        "To use the new data, train the model again.",
        bad=Example("$ vaezoo run spec.yaml\n$ vaezoo evaluate small --set dataset.count=64"),
        good=Example("$ vaezoo run spec.yaml\n$ vaezoo evaluate small"),
        severity=Severity.WARNING,
    ),
)
