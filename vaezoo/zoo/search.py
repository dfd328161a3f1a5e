"""Looking entries up: by name in a list of folders, or by path."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.system.files import expanded
from vaezoo.zoo.atomic_replace import between
from vaezoo.zoo.entry import WEIGHTS, Entry
from vaezoo.zoo.old_names import present_name, tell_renamed

if TYPE_CHECKING:
    from vaezoo.model import VAE

#: names the folder that is searched before ``./zoo`` and published to instead of it
VARIABLE = "VAEZOO_ZOO"


@dataclass(frozen=True)
class BrokenEntry:
    """A folder in a zoo that is no entry, or a damaged one, and what is wrong with it."""

    path: Path
    name: str
    problem: Diagnostic


def load(name_or_path: str | Path, *, zoo: str | Path | None = None, device: str = "cpu") -> VAE:
    """A trained model by its name in the zoo, its folder or its weights file.

    >>> model = vaezoo.load("fashion_mlp2")
    >>> model.sample(50).shape
    torch.Size([50, 1, 28, 28])

    Raises UsageError (VZ501) for an unknown name, and whatever ``Entry.load`` raises.
    """
    return find(name_or_path, zoo=zoo).load(device=device)


def find(name_or_path: str | Path, *, zoo: str | Path | None = None) -> Entry:
    """The entry of that name, or at that path.

    A path is a ``Path``, or a text that holds a separator or ends in ``.safetensors``.
    Warns (VZ505) where the entry was found by a name that it had before it was renamed.
    Raises UsageError (VZ501) where there is none.
    """
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, Path) or _looks_like_path(text):
        return _at(_folder(text))
    folders = search_folders(zoo)
    for folder in folders:
        place = _places(folder).get(text)
        if place:
            return Entry(place, text)
    if os.path.isfile(os.path.join(text, WEIGHTS)):
        return _at(Path(text))
    for folder in folders:
        if renamed := _renamed(folder, text):
            return renamed
    raise UsageError(_unknown(text, folders))


def entries(zoo: str | Path | None = None) -> list[Entry | BrokenEntry]:
    """Everything that a name can find, by name; of two alike, the one that is found first."""
    found: dict[str, Entry | BrokenEntry] = {}
    for folder in search_folders(zoo):
        for name, place in _places(folder).items():
            if name not in found:
                found[name] = _checked(Entry(place, name))
    return [found[name] for name in sorted(found)]


def search_folders(zoo: str | Path | None = None) -> list[Path]:
    """Where names are looked up, in this order; some may not exist."""
    if zoo is not None and not os.path.isdir(_folder(zoo)):
        raise UsageError(
            Diagnostic("VZ501", f"there is no zoo folder {zoo}", hint="give a folder that exists")
        )
    candidates = [
        *([_folder(zoo)] if zoo is not None else []),
        *([_folder(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []),
        Path("zoo"),
        shipped_folder(),
    ]
    folders: dict[Path, Path] = {}
    for folder in candidates:
        folders.setdefault(folder.resolve(), folder)  # one that comes twice stays in front
    return list(folders.values())


def own_folder(zoo: str | Path | None = None) -> Path:
    """The zoo that is published to: ``zoo`` if given, else ``$VAEZOO_ZOO``, else ``./zoo``."""
    return _folder(zoo if zoo is not None else os.environ.get(VARIABLE) or "zoo")


def words_for(entry: Entry) -> str:
    """What to type after a command so that it finds the entry: its name, and --zoo if need be."""
    zoo = entry.path.parent
    if entry.stands_alone or entry.path.name != entry.name:
        return shlex.quote(str(entry.path))
    named = (folder for folder in search_folders() if entry.name in _places(folder))
    first = next(named, None)
    if first is not None and first.resolve() == zoo.resolve():
        return shlex.quote(entry.name)
    return f"{shlex.quote(entry.name)} --zoo {shlex.quote(str(zoo))}"


def zoo_option(zoo: Path) -> str:
    """`` --zoo FOLDER`` for commands that write to a zoo, empty where they would anyway."""
    return "" if own_folder().resolve() == zoo.resolve() else f" --zoo {shlex.quote(str(zoo))}"


def shipped_folder() -> Path:
    """The entries that came with the package; beside it where it is installed editable."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_zoo"
    return inside if inside.is_dir() else package.parent / "zoo"


def _looks_like_path(text: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    return (
        text.endswith(".safetensors") or any(s in text for s in separators) or text in (".", "..")
    )


def _folder(path: str | Path) -> Path:
    try:
        return expanded(path)
    except FileNotFoundError as error:
        message = f"{path} cannot be found: {error.strerror}"
        raise UsageError(Diagnostic("VZ501", message, hint="give another folder")) from None


def _renamed(folder: Path, old: str) -> Entry | None:
    """The entry of a zoo that was called ``old``; warns (VZ505) that it is not any more."""
    present = present_name(folder, old)
    if present is None or present not in names_in(folder):
        return None
    tell_renamed(old, present)
    return Entry(folder / present, present)


def _at(path: Path) -> Entry:
    if os.path.isfile(path) and path.suffix == ".safetensors":
        return Entry(path, Entry(path, path.stem).recorded_name)
    if os.path.isdir(path):
        return Entry(path, _recorded_name(path))
    if renamed := _renamed(path.parent, path.name):
        return renamed
    raise UsageError(
        Diagnostic(
            "VZ501",
            f"there is no entry folder or .safetensors file at {path}",
            hint="'vaezoo zoo list' shows the names that can be given",
        )
    )


def _recorded_name(folder: Path) -> str:
    """The name in a folder's weights file; the folder's where that cannot be read."""
    given = folder.resolve().name
    try:
        return Entry(folder, given).recorded_name
    except ZooError:  # whoever reads the entry is told
        return given


def names_in(folder: Path) -> list[str]:
    """The names of the entries in a zoo."""
    return sorted(_places(folder))


def _places(folder: Path) -> dict[str, Path]:
    """Where the entries of a zoo lie: in the folder of their name, but for a moment when an
    exchange is under way that takes two steps."""
    before, moving, after = _listed(folder), between(folder), _listed(folder)
    return moving | {name: folder / name for name in (*before, *after)}


def _listed(folder: Path) -> list[str]:
    """The folders in a zoo, but for the hidden ones that hold what is staged or replaced.

    They are listed, not looked for: some file systems do not tell upper from lower case.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError:  # a zoo that does not exist yet, or cannot be read, has nothing to find
        return []
    return [path.name for path in inside if path.is_dir() and not path.name.startswith(".")]


def _checked(entry: Entry) -> Entry | BrokenEntry:
    try:
        entry.steadily(entry.check)
    except ZooError as error:
        return BrokenEntry(entry.path, entry.name, error.diagnostics[0])
    return entry


def _unknown(name: str, folders: list[Path]) -> Diagnostic:
    known = sorted({name for folder in folders for name in names_in(folder)})
    looked = ", ".join(str(folder) for folder in folders)
    return Diagnostic(
        "VZ501",
        f"there is no zoo entry called {name!r}",
        hint=f"{suggest(name, known, 'entries')} (looked in {looked})",
    )
