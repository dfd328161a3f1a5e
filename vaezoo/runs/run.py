"""The one road: read, check, load, train, evaluate, draw, publish."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DataError, Diagnostic, DiagnosticWarning, Interrupted
from vaezoo.registry import EvaluationContext, discover
from vaezoo.spec.spec import Spec
from vaezoo.system.out_of_memory import memory_explained
from vaezoo.system.torchrun import Processes, apart, refuse_small_batches
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.spec_lookup import look_up, overridden

if TYPE_CHECKING:
    from vaezoo.registry import Registry
    from vaezoo.training import Observer
    from vaezoo.training.execution.choose import CompileMode
    from vaezoo.zoo import Entry

#: Where runs keep their checkpoints until their entry is published.
RUNS = Path("runs")


def run(
    spec: str | Path | Spec,
    *,
    overrides: Sequence[str] = (),
    zoo: str | Path | None = None,
    device: str = "auto",
    compile: CompileMode = "auto",
    fresh: bool = False,
    observer: Observer | None = None,
    published: Callable[[Entry], object] = lambda entry: None,
    registry: Registry | None = None,
) -> Entry:
    """Train a spec and publish it: ``vaezoo.run("specs/fashion_conv12.yaml")``.

    The spec may be that of an entry, by its name: ``vaezoo.run("fashion_mlp2")``.
    A run that was stopped goes on from its last epoch, unless ``fresh``. ``overrides`` are
    ``key=value`` texts; ``zoo`` is the folder to publish to (``$VAEZOO_ZOO`` or ``./zoo``),
    where an entry that is replaced is kept beside the new one. ``compile`` says whether training
    steps become one program each: ``on``, ``off``, or ``auto``, where the run gains by it.
    ``published`` is called once the entry is in its place and while the run's folder is still
    there, so that a run that is killed thereafter has not been for nothing.

    Under torchrun this is what the first process does, while the others ``assist``.

    Raises SpecError for a spec that cannot be used, RunError or one of its kinds for a run that
    cannot go on, ZooError for a zoo that cannot be written, Interrupted after Ctrl-C.
    """
    registry = registry or discover()
    if isinstance(spec, Spec):
        spec = overridden(spec, overrides, registry)
    else:
        spec = look_up(spec, overrides=overrides, zoo=existing(zoo), registry=registry).only(spec)
    refuse_missing_data(spec)
    processes = Processes.of_environment()
    refuse_small_batches(processes, spec.train.batch_size)
    if not processes.is_first:
        raise apart(
            "the first process publishes alone", "call vaezoo.runs.run.assist in the others"
        )

    from vaezoo.evaluation.evaluator import evaluate, judge, observations
    from vaezoo.plotting.draw import draw
    from vaezoo.system.devices import choose_among  # torch is needed from here on
    from vaezoo.training import HookedObserver, Observer, claimed, joined, train
    from vaezoo.training.prepare import load_for_training
    from vaezoo.training.run_lock import remove_run_folder
    from vaezoo.zoo import make_lock, publish, round_weights, writable

    writable(zoo, spec.name)
    place, observer = choose_among(device, processes), observer or Observer()
    directory = folder_of(spec)
    with claimed(directory, fresh=fresh), joined(processes, place) as group:
        try:
            observer.loading(spec, place)
            data = group.in_turn(lambda: load_for_training(spec, registry, processes))
        except KeyboardInterrupt:
            raise interrupted(None) from None
        lock = make_lock(
            spec, registry, device=place, precision="float32", dataset_digest=data.digest
        )
        hooked = HookedObserver(observer, registry, directory, lock, data)
        try:
            with memory_explained():
                trained = train(
                    spec,
                    data,
                    device=place,
                    directory=directory,
                    observer=hooked,
                    compile=compile,
                    group=group,
                )
            group.leave()
            lock["compiled"] = trained.execution.compiled
            lock["precision"] = trained.execution.precision
            lock["images"] = trained.execution.images.kind
            round_weights(trained.model)
            context = EvaluationContext.of_test(
                trained.model, data, trained.history, observer.evaluated
            )
            observer.evaluating("test figures", len(spec.metrics) * len(context.split))
            with memory_explained():
                figures = evaluate(context)
            targets = judge(spec, figures, trained.history[: trained.kept_epoch])
            drawn = draw(spec.visualizers, context, observer.drawing)
            noted = observations(spec, figures, targets, trained.kept_epoch)
            entry = publish(
                spec,
                trained.model,
                lock=lock,
                figures=figures,
                targets=targets,
                history=trained.history,
                pictures=drawn.pictures,
                notes=[*noted, *drawn.notes()],
                test_is_trained_on=data.test_is_trained_on,
                zoo=zoo,
            )
            published(entry)
        except KeyboardInterrupt as stopped:
            hooked.failed(stopped)
            raise interrupted(hooked.epochs_done) from None
        except Exception as error:
            hooked.failed(error)
            raise
        with contextlib.suppress(OSError):  # the entry is published, whatever is left here
            remove_run_folder(directory)
    hooked.finished(entry)
    return entry


def assist(spec: Spec, *, device: str = "auto", compile: CompileMode = "auto") -> None:
    """Train a spec with the first of the processes that torchrun started, and leave it alone
    with the rest: it speaks, writes and publishes.

    Raises RunError or one of its kinds, as ``run`` does.
    """
    refuse_missing_data(spec)
    processes = Processes.of_environment()
    refuse_small_batches(processes, spec.train.batch_size)

    from vaezoo.system.devices import choose_among
    from vaezoo.training import Observer, joined, train
    from vaezoo.training.prepare import load_for_training

    place = choose_among(device, processes)
    with joined(processes, place) as group, memory_explained(), _warnings_left_to_the_first():
        data = group.in_turn(lambda: load_for_training(spec, None, processes))
        train(
            spec,
            data,
            device=place,
            directory=RUNS,
            observer=Observer(),
            compile=compile,
            group=group,
        )
        group.leave()


@contextlib.contextmanager
def _warnings_left_to_the_first() -> Iterator[None]:
    """What the first process tells need not be told by the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        yield


def existing(zoo: str | Path | None) -> str | Path | None:
    """The zoo that was given to publish to, where entries can be looked up in it."""
    return zoo if zoo is not None and os.path.isdir(own_folder(zoo)) else None


def folder_of(spec: Spec) -> Path:
    """Where a spec's run keeps its checkpoint."""
    return RUNS / f"{spec.name}-{spec.training_digest()[:8]}"


def refuse_missing_data(spec: Spec) -> None:
    """Raise DataError (VZ601) where a cheap look tells that the data cannot be loaded."""
    problem = spec.dataset.problem()
    if problem:
        key = spec.dataset.location
        hint = "see the dataset's parameters in the spec"
        if key:
            hint = f"correct dataset.{key}, in the spec or with --set dataset.{key}=FOLDER"
        raise DataError(Diagnostic("VZ601", problem, hint=hint))


def interrupted(epochs_done: int | None) -> Interrupted:
    """What Ctrl-C ends in: how to go on. None where it came before the checkpoint was read."""
    if epochs_done is None:
        how = "the same command goes on after the last whole epoch, if there is one"
    elif epochs_done:
        how = f"the same command goes on after epoch {epochs_done}"
    else:
        how = "no epoch was complete yet; the same command starts from the beginning"
    return Interrupted(Diagnostic("VZ605", "interrupted", hint=how))
