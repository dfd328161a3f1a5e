"""Find entries by name in a list of folders, or by path."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.system.files import expanded
from vaezoo.zoo.atomic_replace import between
from vaezoo.zoo.entry import WEIGHTS, Entry
from vaezoo.zoo.old_names import current_name, warn_renamed

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.zoo.remote.address import Address

#: The environment variable of the folder that replaces ``./zoo`` and is searched before it.
VARIABLE = "VAEZOO_ZOO"


@dataclass(frozen=True)
class BrokenEntry:
    """A folder in a zoo that is not an intact entry, and its problem."""

    path: Path
    name: str
    problem: Diagnostic


def load(
    name_or_path: str | Path,
    *,
    zoo: str | Path | None = None,
    device: str = "cpu",
    plugins: Sequence[str] = (),
) -> VAE:
    """Load a trained model by its name in the zoo, its folder, its weights file or its address.

    ``plugins`` are files or modules of plugins that are not installed.

    >>> model = vaezoo.load("fashion_mlp2")
    >>> model.sample(50).shape
    torch.Size([50, 1, 28, 28])

    Raises UsageError (VZ501) for an unknown name, and what ``find`` and ``Entry.load`` raise.
    """
    from vaezoo.registry import discover

    registry = discover(plugins) if plugins else None
    return find(name_or_path, zoo=zoo).load(registry, device)


def find(name_or_path: str | Path, *, zoo: str | Path | None = None) -> Entry:
    """Find an entry by name, path, address such as ``hf://user/repo/NAME``, or ``SHORT/NAME``.

    A path is a ``Path``, or a text with a separator or the ending ``.safetensors``. An entry of a
    remote zoo is downloaded to the cache on first use. Warns (VZ505) if an old name of a renamed
    entry was given. Raises UsageError (VZ501) if there is none, (VZ510) for an address that cannot
    be used; ZooError (VZ507) for a remote zoo that cannot be read, (VZ508) for one that must not be
    used.
    """
    text = os.fspath(name_or_path)
    remote = _remote(zoo)
    if not isinstance(name_or_path, Path):
        for address in (remote, _remote(os.environ.get(VARIABLE))):
            if _may_be_remote(text, address) and (entry := _remote_entry(text, address)):
                return entry
    if isinstance(name_or_path, Path) or _looks_like_path(text):
        return _at(_folder(text))
    folders = search_folders(None if remote else zoo)
    for folder in folders:
        path = _paths(folder).get(text)
        if path:
            return Entry(path, text)
    if os.path.isfile(os.path.join(text, WEIGHTS)):
        return _at(Path(text))
    for folder in folders:
        if renamed := _renamed(folder, text):
            return renamed
    raise UsageError(_unknown(text, [*([remote] if remote else []), *folders]))


def _remote(zoo: str | Path | None) -> Address | None:
    """The remote zoo that ``zoo`` names, if it is no folder."""
    if not isinstance(zoo, str) or _is_plain_folder(zoo):
        return None
    from vaezoo.zoo.remote.resolve import remote_zoo

    return remote_zoo(zoo)


def _is_plain_folder(zoo: str) -> bool:
    return "://" not in zoo and (os.sep in zoo or os.path.isdir(zoo))


def _may_be_remote(text: str, zoo: Address | None) -> bool:
    """Whether to ask the modules of remote zoos, which take time to import."""
    return zoo is not None or "://" in text or (text.count("/") == 1 and "." not in text[0:1])


def _remote_entry(text: str, zoo: Address | None) -> Entry | None:
    from vaezoo.zoo.remote.resolve import remote_entry

    return remote_entry(text, zoo)


def entries(zoo: str | Path | None = None) -> list[Entry | BrokenEntry]:
    """All entries that can be found by name, sorted; of equal names, the first found."""
    found: dict[str, Entry | BrokenEntry] = {}
    for folder in search_folders(zoo):
        for name, path in _paths(folder).items():
            if name not in found:
                found[name] = _checked(Entry(path, name))
    return [found[name] for name in sorted(found)]


def search_folders(zoo: str | Path | None = None) -> list[Path]:
    """The folders that are searched, in this order; some may not exist."""
    if remote := _remote(zoo):
        raise _needs_folder(remote, "vaezoo pull ADDRESS --into FOLDER' copies an entry to one")
    if zoo is not None and not os.path.isdir(_folder(zoo)):
        raise UsageError(
            Diagnostic("VZ501", f"no zoo folder {zoo}", hint="choose an existing folder")
        )
    of_environment = os.environ.get(VARIABLE)
    candidates = [
        *([_folder(zoo)] if zoo is not None else []),
        *([_folder(of_environment)] if of_environment and not _remote(of_environment) else []),
        Path("zoo"),
        shipped_folder(),
    ]
    folders: dict[Path, Path] = {}
    for folder in candidates:
        folders.setdefault(folder.resolve(), folder)  # keeps the first of equal ones
    return list(folders.values())


def own_folder(zoo: str | Path | None = None) -> Path:
    """The zoo for publishing: ``zoo`` if given, else ``$VAEZOO_ZOO``, else ``./zoo``."""
    chosen = zoo if zoo is not None else os.environ.get(VARIABLE) or "zoo"
    if remote := _remote(chosen if isinstance(chosen, str) else None):
        raise _needs_folder(remote, "vaezoo push NAME ADDRESS' uploads an entry")
    return _folder(chosen)


def _needs_folder(zoo: Address, how: str) -> UsageError:
    message = f"{zoo} is the address of a zoo; this command needs a folder"
    return UsageError(Diagnostic("VZ510", message, hint=f"choose a folder with --zoo; '{how}"))


def words_for(*entries: Entry) -> str:
    """The command-line arguments that find entries: their names, and --zoo if necessary.

    Paths for those that one --zoo does not find.
    """
    needed = {entry.path.parent for entry in entries if not _is_found_by_name(entry)}
    if len(needed) != 1 or any(map(_has_only_a_path, entries)):
        return " ".join(
            shlex.quote(entry.name if _is_found_by_name(entry) else str(entry.path))
            for entry in entries
        )
    (zoo,) = needed
    words = [entry.name if _is_found_by_name(entry, zoo) else str(entry.path) for entry in entries]
    return f"{shlex.join(words)} --zoo {shlex.quote(str(zoo))}"


def _has_only_a_path(entry: Entry) -> bool:
    return entry.stands_alone or entry.path.name != entry.name


def _is_found_by_name(entry: Entry, zoo: Path | None = None) -> bool:
    """Whether the name, with this --zoo, leads to this entry and not to another one."""
    if _has_only_a_path(entry):
        return False
    named = (folder for folder in search_folders(zoo) if entry.name in _paths(folder))
    first = next(named, None)
    return first is not None and first.resolve() == entry.path.parent.resolve()


def zoo_option(zoo: Path) -> str:
    """`` --zoo FOLDER`` for commands that write to a zoo; empty for the default one."""
    return "" if own_folder().resolve() == zoo.resolve() else f" --zoo {shlex.quote(str(zoo))}"


def shipped_folder() -> Path:
    """The folder of shipped entries: in the package, or beside it in an editable install."""
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
        message = f"cannot find {path}: {error.strerror}"
        raise UsageError(Diagnostic("VZ501", message, hint="give another folder")) from None


def _renamed(folder: Path, old: str) -> Entry | None:
    """The renamed entry that was called ``old``, with a warning (VZ505)."""
    current = current_name(folder, old)
    if current is None or current not in names_in(folder):
        return None
    warn_renamed(old, current)
    return Entry(folder / current, current)


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
            f"no entry folder or .safetensors file at {path}",
            hint="'vaezoo zoo list' shows the known names",
        )
    )


def _recorded_name(folder: Path) -> str:
    """The name in a folder's weights file; the folder's name if it cannot be read."""
    given = folder.resolve().name
    try:
        return Entry(folder, given).recorded_name
    except ZooError:  # reading the entry will report it
        return given


def names_in(folder: Path) -> list[str]:
    """The names of the entries in a zoo."""
    return sorted(_paths(folder))


def _paths(folder: Path) -> dict[str, Path]:
    """The path of each entry in a zoo, even during a replacement in two steps."""
    before, moving, after = _listed(folder), between(folder), _listed(folder)
    return moving | {name: folder / name for name in (*before, *after)}


def _listed(folder: Path) -> list[str]:
    """The visible folders in a zoo.

    Listed rather than tested, since some file systems ignore case.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError:  # missing or unreadable
        return []
    return [path.name for path in inside if path.is_dir() and not path.name.startswith(".")]


def _checked(entry: Entry) -> Entry | BrokenEntry:
    try:
        entry.steadily(entry.check)
    except ZooError as error:
        return BrokenEntry(entry.path, entry.name, error.diagnostics[0])
    return entry


def _unknown(name: str, folders: Sequence[Path | Address]) -> Diagnostic:
    known = sorted({n for folder in folders if isinstance(folder, Path) for n in names_in(folder)})
    searched = ", ".join(str(folder) for folder in folders)
    return Diagnostic(
        "VZ501",
        f"no zoo entry called {name!r}",
        hint=f"{suggest(name, known, 'entries')} (searched {searched})",
    )
