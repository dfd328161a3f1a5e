"""Run a spec: read, check, load, train, evaluate, draw, publish."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DiagnosticWarning
from vaezoo.registry import EvaluationContext, discover
from vaezoo.registry.blame import attributed
from vaezoo.registry.component import components_in
from vaezoo.runs.read_spec import check_spec, read_spec
from vaezoo.runs.run_folder import RUNS, run_folder
from vaezoo.runs.start_from import start_notes, starting_weights
from vaezoo.spec.spec import Spec
from vaezoo.system.out_of_memory import memory_explained
from vaezoo.system.torchrun import apart

if TYPE_CHECKING:
    from vaezoo.registry import Registry
    from vaezoo.training import Observer
    from vaezoo.training.execution.choose_step import CompileMode
    from vaezoo.zoo import Entry


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

    ``spec`` is a file or the name of an entry: ``vaezoo.run("fashion_mlp2")``. ``overrides`` are
    ``key=value`` texts. ``zoo`` is the folder to publish to (default ``$VAEZOO_ZOO`` or
    ``./zoo``); a replaced entry is kept beside the new one. ``compile`` is ``on``, ``off``, or
    ``auto``: compile training steps where that pays. A stopped run resumes after its last
    complete epoch unless ``fresh``. ``published`` is called with the published entry before the
    run folder is removed, so a run that is killed later need not be repeated.

    Under torchrun, only the first process calls ``run``; the others call ``assist``.

    Raises SpecError for an invalid spec, RunError or a subclass for a run that fails, ZooError
    for a zoo that cannot be written, Interrupted after Ctrl-C.
    """
    registry = registry or discover()
    spec = read_spec(spec, overrides, zoo, registry)
    processes = check_spec(spec)
    if not processes.is_first:
        raise apart(
            "only the first process can publish", "call vaezoo.runs.run.assist in the others"
        )

    from vaezoo import training  # imports torch
    from vaezoo.evaluation.judge_targets import concluded
    from vaezoo.evaluation.run_metrics import evaluate
    from vaezoo.plotting.draw import draw
    from vaezoo.system.devices import choose_among
    from vaezoo.zoo import make_lock
    from vaezoo.zoo.lock import sampler_in_lock
    from vaezoo.zoo.publish import publish, round_weights, writable

    writable(zoo, spec.name)
    start = starting_weights(spec, zoo)
    place, observer = choose_among(device, processes), observer or training.Observer()
    folder = run_folder(spec)
    with training.claimed(folder, fresh=fresh), training.joined(processes, place) as group:
        with training.interruption_explained(), memory_explained():
            observer.loading(spec, place)
            data = group.in_turn(lambda: training.load_for_training(spec, processes))
        lock = make_lock(
            spec, registry, device=place, precision="float32", dataset_digest=data.digest
        )
        if start:
            lock["start_from"] = start.for_lock()
        start_doubts = start_notes(start, spec, data.digest)
        for note in start_doubts:
            observer.warned(note)
        hooked = training.HookedObserver(observer, registry, folder, lock, data)
        faults_named = attributed(components_in(spec), "in this run")
        with hooked.failures_reported(), memory_explained(), faults_named:
            trained = training.train(
                spec,
                data,
                device=place,
                directory=folder,
                observer=hooked,
                compile=compile,
                group=group,
                start=start,
            )
            group.leave()
            lock.update(trained.execution.for_lock())
            round_weights(trained.model)
            doubts = training.elbo_notes(trained.model, data, observer)
            failures = training.fit_sampler(trained.model, data, observer)
            lock.update(sampler_in_lock(trained.model))
            context = EvaluationContext.of_test(
                trained.model, data, trained.history, observer.evaluated
            )
            observer.evaluating("test figures", len(spec.metrics) * len(data.test))
            figures = evaluate(context)
            targets, notes = concluded(spec, figures, trained.history)
            drawn = draw(spec.visualizers, context, observer.drawing)
            entry = publish(
                spec,
                trained.model,
                lock=lock,
                figures=figures,
                targets=targets,
                history=trained.history,
                pictures=drawn.pictures,
                notes=[*notes, *start_doubts, *doubts, *failures, *drawn.notes()],
                test_is_trained_on=data.test_is_trained_on,
                zoo=zoo,
            )
            published(entry)
        with contextlib.suppress(OSError):  # the entry is published; leftovers do no harm
            training.remove_run_folder(folder)
    hooked.finished(entry)
    return entry


def assist(
    spec: Spec,
    *,
    zoo: str | Path | None = None,
    device: str = "auto",
    compile: CompileMode = "auto",
) -> None:
    """Train a spec together with the first process, which does everything else alone.

    Raises RunError or a subclass, as ``run`` does.
    """
    processes = check_spec(spec)

    from vaezoo import training  # imports torch
    from vaezoo.system.devices import choose_among

    place = choose_among(device, processes)
    with training.joined(processes, place) as group, memory_explained(), _warnings_off():
        data = group.in_turn(lambda: training.load_for_training(spec, processes))
        training.train(
            spec,
            data,
            device=place,
            directory=RUNS,
            observer=training.Observer(),
            compile=compile,
            group=group,
            start=starting_weights(spec, zoo),
        )
        group.leave()


@contextlib.contextmanager
def _warnings_off() -> Iterator[None]:
    """Silence warnings that the first process shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        yield
