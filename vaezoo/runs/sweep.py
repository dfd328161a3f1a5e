"""Runs of all the specs that one file stands for: the members of its matrix."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from vaezoo.diagnostics import Diagnostic, Interrupted, RunError, ZooError
from vaezoo.registry import Registry, discover
from vaezoo.runs.run import RUNS, folder_of, refuse_missing_data, run
from vaezoo.spec.reader import Member, Reading, examine
from vaezoo.spec.spec import Spec
from vaezoo.spec.stdin import given
from vaezoo.system.files import write_whole

if TYPE_CHECKING:
    import torch

    from vaezoo.training import Observer
    from vaezoo.training.execution.choose import CompileMode
    from vaezoo.zoo import Entry


#: Which members train together, in a sweep's folder.
_TOGETHER = "together.json"
#: What ``--together`` may be.
Together = Literal["auto", "on", "off"]


class How(TypedDict, total=False):
    """How each member is run: options of ``vaezoo.run``."""

    zoo: str | Path | None
    device: str
    fresh: bool
    compile: CompileMode


@dataclass(frozen=True)
class MemberResult:
    """What became of a member: its entry, or the error that its run ended in."""

    spec: Spec
    values: Mapping[str, Any]
    entry: Entry | None = None
    error: RunError | None = None


def sweep(
    spec: str | Path | Reading,
    *,
    overrides: Sequence[str] = (),
    observer: Observer | None = None,
    registry: Registry | None = None,
    together: Together = "auto",
    **how: Unpack[How],
) -> tuple[MemberResult, ...]:
    """Train every member of a spec's matrix and publish each: ``vaezoo.sweep("sweep.yaml")``.

    Members that differ in seeds, weights of the loss and learning rates alone train ``together``
    on a GPU, or with ``on`` wherever they are; all others one after another, in the order of
    ``vaezoo.expand``. A member whose run fails does not stop
    the others: its ``MemberResult`` holds the error. A sweep that was stopped, or in which a member
    failed, goes on where it was: what it has finished is not trained again, unless ``fresh``.
    Options are those of ``vaezoo.run``.

    Raises SpecError for a spec that cannot be used, RunError where no member can be run,
    ZooError for a zoo that cannot be written, Interrupted after Ctrl-C.
    """
    registry = registry or discover()
    spec = members_of(spec, overrides, registry)

    from vaezoo.system.devices import choose  # torch is needed from here on
    from vaezoo.training import Observer

    observer = observer or Observer()
    place = choose(how.get("device", "auto"))
    with ledger_of(spec, how) as ledger:
        how["fresh"] = False  # it is by now; what is done from here on is to stay
        train_at_once(
            spec.specs,
            ledger,
            observer,
            device=place,
            mode=together,
            how=how,
            registry=registry,
        )
        several = one_after_another(spec.members, ledger, observer, registry=registry, how=how)
        outcomes = tuple(several)
        ledger.close(outcomes)
    return outcomes


def members_of(spec: str | Path | Reading, overrides: Sequence[str], registry: Registry) -> Reading:
    """A file's members, each valid and with data. Raises SpecError or DataError otherwise."""
    if not isinstance(spec, Reading):
        spec = examine(given(spec), overrides=overrides, registry=registry)
    elif overrides:
        raise TypeError("overrides go with a spec's file; a Reading has had its own")
    for member in spec.specs:
        refuse_missing_data(member)
    return spec


@contextmanager
def ledger_of(reading: Reading, how: How) -> Iterator[Ledger]:
    """The ledger of a file's members, which no other sweep of that name has meanwhile; with
    ``fresh``, nothing is finished or begun.

    Raises RunError (VZ606) where another has it, ZooError for a zoo that cannot be written.
    """
    from vaezoo.training import claimed
    from vaezoo.zoo import writable

    fresh = how.get("fresh", False)
    ledger = Ledger(RUNS / f"{reading.resolved()['name']}-sweep", writable(how.get("zoo")))
    with claimed(ledger.folder, fresh=fresh):
        if fresh:
            for member in reading.specs:
                with claimed(folder_of(member), fresh=True):
                    pass
        yield ledger


def train_at_once(
    members: Sequence[Spec],
    ledger: Ledger,
    observer: Observer,
    *,
    device: torch.device,
    mode: Together,
    how: How,
    registry: Registry | None = None,
) -> None:
    """Train together the members that nothing has been done for, as far as they can be.

    Each is left in its run's folder, trained; what comes after that its own run does.
    """
    from vaezoo.training.ensemble.train import apart, train_together

    members = [spec for spec in members if not ledger.entry(spec)]
    chosen = ledger.together() or [spec.name for spec in members if not _is_begun(spec)]
    members = [spec for spec in members if spec.name in chosen]
    if not members:
        return
    reason = _against(device, mode, how) or apart(members)
    if reason is None:
        observer.together(len(members), None)
        ledger.enter_together([spec.name for spec in members])
        try:
            reason = train_together(
                members,
                device=device,
                directory=ledger.folder,
                folder_of=folder_of,
                observer=observer,
                compile=how.get("compile", "auto"),
                registry=registry,
            )
        except KeyboardInterrupt as stopped:
            raise _interrupted(stopped, f"{len(members)} members together") from None
        ledger.leave_together()
    if reason and mode == "on":
        message = f"the members cannot train together: {reason}"
        hint = "leave --together out, and they train one after another where they must"
        raise RunError(Diagnostic("VZ609", message, hint=hint))
    if reason:
        observer.together(len(members), reason)


def _against(device: torch.device, mode: Together, how: How) -> str | None:
    """What speaks against training members together, whatever they are."""
    if mode == "off":
        return "as asked for"
    if how.get("compile") == "on" and device.type != "cpu":
        return "their steps are to be compiled"
    if mode == "auto" and device.type == "cpu":
        return "on a CPU one fills the machine, and is published as soon as it is trained"
    return None


def _is_begun(spec: Spec) -> bool:
    from vaezoo.training.checkpoint import FILE

    return (folder_of(spec) / FILE).exists()


def one_after_another(
    members: Sequence[Member],
    ledger: Ledger,
    observer: Observer,
    *,
    registry: Registry,
    how: How,
) -> Iterator[MemberResult]:
    """Run each member that the ledger does not have yet, and enter it there."""
    for number, member in enumerate(members, start=1):
        spec = member.spec
        assert spec
        entry = ledger.entry(spec)
        observer.member(spec, number, len(members), is_done=entry is not None)
        error = None
        try:
            entry = entry or run(
                spec, observer=observer, registry=registry, published=ledger.enter, **how
            )
        except RunError as failed:
            error = failed
        except (Interrupted, KeyboardInterrupt) as stopped:
            raise _interrupted(stopped, f"member {number} of {len(members)}, {spec.name}") from None
        yield MemberResult(spec, member.data(), entry, error)


@dataclass(frozen=True)
class Ledger:
    """Which members a sweep has finished, kept in its folder until all are.

    A member counts while its entry in the zoo is the one that the sweep put there.
    """

    folder: Path
    zoo: Path

    def entry(self, spec: Spec) -> Entry | None:
        """The member's entry, if this sweep has finished it."""
        from vaezoo.zoo import Entry

        digest = self._read(self._path(spec.name)).get("digest")
        entry = Entry(self.zoo / spec.name, spec.name)
        try:
            is_same = digest == entry.header["digest"] and entry.spec_data == spec.canonical()
        except ZooError:  # it was removed or damaged since
            return None
        return entry if is_same else None

    def enter(self, entry: Entry) -> None:
        """Note a member as finished, in a file of its own: several may finish at one time.

        Raises RunError (VZ503) where that cannot be written.
        """
        self._write(self._path(entry.name), {"digest": entry.header["digest"]})

    def together(self) -> list[str]:
        """The members that train together and have not come to their end."""
        return list(self._read(self.folder / _TOGETHER).get("members", []))

    def enter_together(self, names: Sequence[str]) -> None:
        """Note which members train together from now on."""
        self._write(self.folder / _TOGETHER, {"members": list(names)})

    def leave_together(self) -> None:
        """They are trained, or cannot train together."""
        # members' own files lie here too, whatever they are called
        for left in (self.folder / _TOGETHER, *self.folder.glob("together-*.safetensors")):
            left.unlink(missing_ok=True)

    def close(self, outcomes: Sequence[MemberResult]) -> None:
        """All were tried: nothing is left to go on with, unless some failed."""
        from vaezoo.training.run_lock import remove_run_folder

        if not any(outcome.error for outcome in outcomes):
            with contextlib.suppress(OSError):  # the entries are published, whatever is left here
                remove_run_folder(self.folder)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.finished"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # there is none yet, or it is no use
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        try:
            write_whole(path, json.dumps(content, indent=1).encode())
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}"
            raise RunError(Diagnostic("VZ503", message, hint="make room, then go on")) from None


def _interrupted(stopped: BaseException, which: str) -> Interrupted:
    how = "the same command goes on with it"
    if isinstance(stopped, Interrupted) and stopped.diagnostics[0].hint:
        how = stopped.diagnostics[0].hint
    return Interrupted(Diagnostic("VZ605", "interrupted", hint=f"{which}: {how}"))
