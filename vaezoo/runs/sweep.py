"""Run all members of a spec's matrix in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from vaezoo.diagnostics import Diagnostic, Interrupted, PluginError, RunError, SpecError
from vaezoo.registry import Registry, discover
from vaezoo.runs.ledger import Ledger, MemberResult, open_ledger
from vaezoo.runs.read_spec import refuse_unavailable
from vaezoo.runs.run import run
from vaezoo.runs.run_folder import run_folder
from vaezoo.runs.start_from import starting_weights
from vaezoo.spec.reader import Member, Reading, examine
from vaezoo.spec.spec import Spec
from vaezoo.spec.stdin import given

if TYPE_CHECKING:
    import torch

    from vaezoo.training import Observer
    from vaezoo.training.execution.choose_step import CompileMode


#: Values of ``--together``.
Together = Literal["auto", "on", "off"]


class RunOptions(TypedDict, total=False):
    """Options of ``vaezoo.run`` that apply to each member."""

    zoo: str | Path | None
    device: str
    fresh: bool
    compile: CompileMode


def sweep(
    spec: str | Path | Reading,
    *,
    overrides: Sequence[str] = (),
    observer: Observer | None = None,
    registry: Registry | None = None,
    together: Together = "auto",
    **options: Unpack[RunOptions],
) -> tuple[MemberResult, ...]:
    """Train every member of a spec's matrix and publish each: ``vaezoo.sweep("sweep.yaml")``.

    ``together`` selects whether members train in one job: ``off``, ``on``, or ``auto``, on a GPU.
    It needs members that differ only in seeds, loss weights and learning rates. All others train
    one after another, in the order of ``vaezoo.expand``.

    A failed member does not stop the others: its ``MemberResult`` has the error. A sweep that was
    stopped or had failures resumes: finished members are not trained again, unless ``fresh``.

    Raises SpecError for an invalid spec, RunError where no member can run, ZooError for a zoo
    that cannot be written, Interrupted after Ctrl-C.
    """
    registry = registry or discover()
    reading = read_members(spec, overrides, registry)

    from vaezoo.system.devices import choose  # imports torch
    from vaezoo.training import Observer

    observer = observer or Observer()
    device = choose(options.get("device", "auto"))

    def train(ledger: Ledger) -> Iterator[MemberResult]:
        options["fresh"] = False  # the ledger is fresh already; keep what follows
        _train_together(
            reading.specs,
            ledger,
            observer,
            device=device,
            mode=together,
            options=options,
        )
        return _run_in_order(reading.members, ledger, observer, registry=registry, options=options)

    return run_members(reading, options, train)


def read_members(
    spec: str | Path | Reading, overrides: Sequence[str], registry: Registry
) -> Reading:
    """A file's members, valid and with data. Raises SpecError or DataError otherwise."""
    if not isinstance(spec, Reading):
        spec = examine(given(spec), overrides=overrides, registry=registry)
    elif overrides:
        raise TypeError("overrides need the file of a spec; a Reading already has its own")
    for member in spec.specs:
        refuse_unavailable(member)
    return spec


def run_members(
    reading: Reading, options: RunOptions, train: Callable[[Ledger], Iterable[MemberResult]]
) -> tuple[MemberResult, ...]:
    """The results of ``train``, which gets the sweep's ledger. Raises as ``open_ledger``."""
    fresh = options.get("fresh", False)
    with open_ledger(reading, options.get("zoo"), fresh=fresh) as ledger:
        results = tuple(train(ledger))
        ledger.close(results)
    return results


def _train_together(
    members: Sequence[Spec],
    ledger: Ledger,
    observer: Observer,
    *,
    device: torch.device,
    mode: Together,
    options: RunOptions,
) -> None:
    """Train the members that have not started in one job, where possible.

    Each leaves its checkpoint in its run folder. Its own run evaluates and publishes it.
    """
    from vaezoo.training.ensemble.train import ensemble_problem, train_together

    unfinished = [spec for spec in members if not ledger.entry(spec)]
    names = ledger.together() or [spec.name for spec in unfinished if not _has_checkpoint(spec)]
    selected = [spec for spec in unfinished if spec.name in names]
    if not selected:
        return
    reason = _reason_for_one_by_one(device, mode, options) or ensemble_problem(selected)
    if reason is None:
        observer.together(len(selected), None)
        ledger.enter_together([spec.name for spec in selected])
        try:
            reason = train_together(
                selected,
                device=device,
                directory=ledger.folder,
                folder_of=run_folder,
                observer=observer,
                compile=options.get("compile", "auto"),
                start=starting_weights(selected[0], options.get("zoo")),
            )
        except KeyboardInterrupt as error:
            raise _interrupted(error, f"{len(selected)} members together") from None
        ledger.leave_together()
    if reason and mode == "on":
        message = f"the members cannot train together: {reason}"
        hint = "omit --together on; the members then train one after another"
        raise RunError(Diagnostic("VZ609", message, hint=hint))
    if reason:
        observer.together(len(selected), reason)


def _reason_for_one_by_one(device: torch.device, mode: Together, options: RunOptions) -> str | None:
    """Why to train members one after another, independent of their specs; None not to."""
    if mode == "off":
        return "training together is off"
    if options.get("compile") == "on" and device.type != "cpu":
        return f"compiled steps cannot train together on {device.type}"
    if mode == "auto" and device.type == "cpu":
        return "on a CPU, training together is not faster"
    return None


def _has_checkpoint(spec: Spec) -> bool:
    from vaezoo.training.checkpoint import FILE

    return (run_folder(spec) / FILE).exists()


def _run_in_order(
    members: Sequence[Member],
    ledger: Ledger,
    observer: Observer,
    *,
    registry: Registry,
    options: RunOptions,
) -> Iterator[MemberResult]:
    """Run and record each member that is not finished."""
    for number, member in enumerate(members, start=1):
        spec = member.spec
        assert spec
        entry, error = ledger.entry(spec), None
        observer.member(spec, number, len(members), is_done=entry is not None)
        try:
            entry = entry or run(
                spec, observer=observer, registry=registry, published=ledger.enter, **options
            )
        except (RunError, SpecError, PluginError) as failed:
            error = failed
        except (Interrupted, KeyboardInterrupt) as stopped:
            raise _interrupted(stopped, f"member {number} of {len(members)}, {spec.name}") from None
        yield MemberResult(spec, member.data(), entry, error)


def _interrupted(error: BaseException, members: str) -> Interrupted:
    hint = "the same command resumes"
    if isinstance(error, Interrupted) and error.diagnostics[0].hint:
        hint = error.diagnostics[0].hint
    return Interrupted(Diagnostic("VZ605", "interrupted", hint=f"{members}: {hint}"))
