"""Corrupt entries and checkpoints, and falsify entries: every change must be found.

    python benchmarks/faults/corrupt.py --count 10000 --checkpoints 5000

Every file of an entry is damaged in turn: bits flipped, bytes cut, added, moved and blanked,
values edited, the file emptied, removed, or replaced by a link, a FIFO, a folder or the same file
of another entry. ``verify`` must find each change. Commands that list, show and load entries must
reject the entry or give the result of the intact one, within 2 s and 300 MB, without a traceback.

A corrupted checkpoint must be refused with VZ604, or restore exactly the saved state.
"""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from common import Tally, options, own_folder
from falsified import falsifications, reseal
from tiny import World

from vaezoo.diagnostics import RunError, VaezooError
from vaezoo.evaluation.verify import verify
from vaezoo.model import build
from vaezoo.registry import Batch, EpochRecord
from vaezoo.runs.run import run
from vaezoo.spec import Spec, from_data
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import TrainingState
from vaezoo.zoo import Entry, entries
from vaezoo.zoo.entry_tables import as_table, details, page

_SECONDS, _MEGABYTES = 2.0, 300.0
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?|true|false|null")
Harm = Callable[[Path, random.Random], None]
Reader = Callable[[Entry, World], object]


def _bytes(change: Callable[[bytearray, random.Random], None]) -> Harm:
    """A change of a file's content, which may be empty."""

    def harm(path: Path, chance: random.Random) -> None:
        content = bytearray(path.read_bytes())
        change(content, chance)
        path.write_bytes(content)

    return harm


def _part(content: bytearray, chance: random.Random) -> slice:
    start = chance.randrange(len(content))
    return slice(start, start + chance.choice([1, 2, 16, 512]))


def _flip(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _flip_early(content: bytearray, chance: random.Random) -> None:
    """Change the first bytes, which identify the format."""
    content[chance.randrange(min(len(content), 64))] ^= 1 << chance.randrange(8)


def _set(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] = chance.randrange(256)


def _cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def _remove(content: bytearray, chance: random.Random) -> None:
    del content[_part(content, chance)]


def _blank(content: bytearray, chance: random.Random) -> None:
    part = _part(content, chance)
    content[part] = bytes(len(content[part]))


def _repeat(content: bytearray, chance: random.Random) -> None:
    part = content[_part(content, chance)]
    at = chance.randrange(len(content))
    content[at:at] = part


def _append(content: bytearray, chance: random.Random) -> None:
    content += chance.choice([b"\0", b"\n", b" ", b"{}", b"\xff" * 100])


def _edit(content: bytearray, chance: random.Random) -> None:
    """Replace a value by another one."""
    found = list(_NUMBER.finditer(bytes(content)))
    if not found:
        _flip(content, chance)
        return
    one = chance.choice(found)
    values = [b"0", b"1", b"-1", b"null", b"[]", b'"x"', b"1e999", b"NaN", b"9" * 40, b"true"]
    content[slice(*one.span())] = chance.choice(values)


def _empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def _missing(path: Path, chance: random.Random) -> None:
    path.unlink()


def _link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(chance.choice(["/dev/zero", "/etc/passwd", ".", path.name]))


def _fifo(path: Path, chance: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _of_another(path: Path, chance: random.Random) -> None:
    twin = Path("twin") / path.relative_to("zoo")
    shutil.copyfile(twin, path)


HARMS: dict[str, Harm] = {
    "bit flipped": _bytes(_flip),
    "bit flipped early": _bytes(_flip_early),
    "byte set": _bytes(_set),
    "cut": _bytes(_cut),
    "bytes removed": _bytes(_remove),
    "bytes blanked": _bytes(_blank),
    "bytes repeated": _bytes(_repeat),
    "bytes appended": _bytes(_append),
    "value edited": _bytes(_edit),
    "emptied": _empty,
    "missing": _missing,
    "link": _link,
    "FIFO": _fifo,
    "folder": _folder,
    "file of another entry": _of_another,
}
#: Changes of bytes are more frequent, since there are more bytes to change.
_WEIGHTS = [20, 10, 10, 8, 8, 8, 8, 8, 20, 1, 1, 1, 1, 1, 2]


def spec_of(world: World, seed: int) -> Spec:
    """A spec whose entry has everything that an entry can have."""
    data = world.spec.canonical()
    data["train"] |= {"seed": seed, "early_stopping": {"patience": 3, "min_delta": 0.0}}
    data["metrics"] = [{"use": "elbo", "samples": 2}, "active_units"]
    data["visualizers"] = ["loss_curves", {"use": "samples", "n": 4}]
    target = {"metric": "test/elbo", "value": -12.5, "tolerance": 1.0, "source": "a paper"}
    data["targets"] = [target]
    return from_data(data, world.registry)


def prepare(world: World) -> tuple[Path, dict[Path, bytes]]:
    """An entry, the same with another seed outside the zoo, and all files of the entry."""
    for seed, zoo in ((1, "twin"), (0, "zoo")):
        entry = run(
            spec_of(world, seed), zoo=zoo, registry=world.registry, device="cpu", compile="off"
        )
    files = {path: path.read_bytes() for path in entry.path.rglob("*") if path.is_file()}
    refuse_a_bad_start(world, entry.path)
    return entry.path, files


def put_back(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif not path.is_file() or path.is_symlink():
        path.unlink(missing_ok=True)
    path.write_bytes(content)


def corrupt_entries(tally: Tally, world: World, count: int) -> None:
    chance = random.Random(tally.seed)
    folder, files = prepare(world)
    names = sorted(files)
    for number in range(count):
        path = names[number % len(names)]
        [kind] = chance.choices(list(HARMS), _WEIGHTS)
        HARMS[kind](path, chance)
        same = path.is_file() and not path.is_symlink() and path.read_bytes() == files[path]
        if not same:
            tally.tried(kind)
            often = number % 10 != 0
            for problem in looked_at(world, folder, _FAST if often else _FAST + _SLOW):
                tally.fell(kind, f"attempt {number}, {path}: {problem}")
        put_back(path, files[path])
    refuse_a_bad_start(world, folder)


def refuse_a_bad_start(world: World, folder: Path) -> None:
    """Check that the unchanged entry passes."""
    verdict = verify(folder, registry=world.registry)
    if not verdict.passed:
        raise SystemExit("\n".join(f"{c.passed} {c.what} {c.detail}" for c in verdict.checks))


def looked_at(world: World, folder: Path, readers: Sequence[Reader]) -> list[str]:
    """Problems in the handling of a corrupted entry."""
    problems = []
    start, memory = time.process_time(), _megabytes()
    try:
        if verify(folder, samples=1, registry=world.registry).passed:
            problems.append("verify passed it")
    except Exception as error:
        problems.append(f"{type(error).__name__} {error}")
    for read in readers:
        try:
            read(Entry(folder, folder.name), world)
        except VaezooError:
            pass
        except Exception as error:
            problems.append(f"{type(error).__name__} {error}")
    if time.process_time() - start > _SECONDS:
        problems.append(f"it took {time.process_time() - start:.1f} s")
    if _megabytes() - memory > _MEGABYTES:
        problems.append(f"it took {_megabytes() - memory:.0f} MB")
    return problems


def _listed(entry: Entry, world: World) -> None:
    entry.check()
    as_table([entry])


#: Functions that read an entry, and slow ones, which are used for every tenth change.
_FAST: list[Reader] = [
    _listed,
    lambda entry, world: details(entry),
    lambda entry, world: entry.load(world.registry),
]
_SLOW: list[Reader] = [
    lambda entry, world: page(entry),
    lambda entry, world: as_table(entries("zoo")),
]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def falsify(tally: Tally, world: World) -> None:
    folder, _ = prepare(world)
    shutil.copytree(folder, "good")
    for one in falsifications():
        for again in (False, True):
            if again and not one.follows:
                continue
            shutil.rmtree(folder)
            shutil.copytree("good", folder)
            one.give(folder)
            kind = "falsified"
            if again:
                kind = "falsified and sealed again"
                try:
                    reseal(folder)
                except VaezooError as error:
                    tally.fell(kind, f"{one.what}: cannot be sealed: {error}")
            tally.tried(kind)
            try:
                passed = verify(folder, registry=world.registry).passed
            except Exception as error:
                tally.fell(kind, f"{one.what}: {type(error).__name__} {error}")
                continue
            if passed:
                tally.fell(kind, f"{one.what}: verify passed it")


def fresh_state(spec: Spec) -> TrainingState:
    model = build(spec, seed=5)
    optimizer = spec.train.optimizer.build(model.parameters(), 1e-3)
    return TrainingState(model, optimizer, torch.Generator(), torch.Generator())


def trained_state(spec: Spec) -> TrainingState:
    """A state as after two epochs, with everything that a state can contain."""
    state = fresh_state(spec)
    for epoch in (1, 2):
        images = torch.rand(8, *spec.dataset.image_shape)
        terms = spec.loss.build()(state.model, Batch(images), {"beta": 1.0}, state.noise)
        terms["objective"].mean().backward()
        state.optimizer.step()
        figures = {name: -float(epoch) for name in ("objective", "reconstruction", "kl", "elbo")}
        state.history.append(EpochRecord(epoch, figures, figures, {"beta": 1.0}, 1e-3, 0.5, 100.0))
    state.best = {name: value.clone() for name, value in state.model.state_dict().items()}
    state.best_epoch, state.compiled = 2, False
    return state


def _plain(value: Any) -> Any:
    """A snapshot's content in comparable form."""
    return {name: (t.dtype, t.tolist()) for name, t in value.tensors.items()}, repr(value.text)


def corrupt_checkpoints(tally: Tally, world: World, count: int) -> None:
    chance = random.Random(tally.seed)
    spec = spec_of(world, 0)
    path = Path("runs") / checkpoint.FILE
    saved = checkpoint.snapshot(trained_state(spec))
    checkpoint.save(saved, path, "identity")
    good, expected = path.read_bytes(), _plain(saved)
    harms = {name: harm for name, harm in HARMS.items() if harm is not _of_another}
    for number in range(count):
        [kind] = chance.choices(list(harms), _WEIGHTS[: len(harms)])
        harms[kind](path, chance)
        if path.is_symlink() or not path.is_file() or path.read_bytes() != good:
            tally.tried(f"checkpoint: {kind}")
            problem = _restored(spec, path, expected)
            if problem:
                tally.fell(f"checkpoint: {kind}", f"attempt {number}: {problem}")
        put_back(path, good)


def _restored(spec: Spec, path: Path, expected: Any) -> str | None:
    """Problems in the handling of a corrupted checkpoint."""
    state = fresh_state(spec)
    try:
        checkpoint.restore(state, path, "identity")
    except RunError as error:
        [finding] = error.diagnostics
        return None if finding.code == "VZ604" else f"refused with {finding.code}"
    except Exception as error:
        return f"{type(error).__name__} {error}"
    return None if _plain(checkpoint.snapshot(state)) == expected else "another state"


def main() -> int:
    parser = options(__doc__ or "", count=10_000)
    parser.add_argument("--checkpoints", type=int, default=5_000, help="number of attempts")
    arguments = parser.parse_args()
    tally = Tally(arguments.seed)
    with own_folder() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            world = World()
            corrupt_entries(tally, world, arguments.count)
            falsify(tally, world)
            corrupt_checkpoints(tally, world, arguments.checkpoints)
        finally:
            os.chdir(before)
    return tally.report("corrupt", arguments.out)


if __name__ == "__main__":
    sys.exit(main())
