"""Writing a spec, repairing it in place, and the shipped specs as models."""

from __future__ import annotations

from pathlib import Path

import vaezoo

SPECS = Path(__file__).parent.parent.parent / "specs"
SHIPPED = {path.name: path.read_bytes() for path in sorted(SPECS.glob("*.yaml"))}


def mended(folder: Path, **files: str | bytes) -> dict[str, bytes]:
    """The files (their names without .yaml) as a repair of the whole folder leaves them.

    What was written needs no other repair.
    """
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.yaml").write_bytes(data)
    for one in vaezoo.repair(folder):
        one.write()
    assert vaezoo.repair(folder) == ()
    return {name: (folder / f"{name}.yaml").read_bytes() for name in files}


def mended_text(folder: Path, text: str) -> str:
    """One spec as its repair leaves it."""
    return mended(folder, spec=text)["spec"].decode()


def with_bases(folder: Path) -> Path:
    """The shipped specs in a folder, since some extend others."""
    for name, content in SHIPPED.items():
        (folder / name).write_bytes(content)
    return folder
