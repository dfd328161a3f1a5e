"""What a push gives to readers: the card beside the entry, one line to copy, a BibTeX entry."""

from __future__ import annotations

import datetime
import re

from vaezoo.zoo.entry import Entry
from vaezoo.zoo.model_card import Shelf, card
from vaezoo.zoo.remote.address import Address
from vaezoo.zoo.remote.zoo_index import IndexRow

#: Characters that TeX reads as commands.
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\^{}", "~": r"\~{}",
}  # fmt: skip


def remote_card(entry: Entry, zoo: Address, row: IndexRow) -> str:
    """``NAME/README.md`` of a remote zoo: the entry's card with its address and license."""
    place = Shelf(zoo.entry(entry.name), row.revision, row.license)
    return card(entry, place)


def reader_line(zoo: Address, name: str) -> str:
    """The command by which others sample the entry."""
    return f"vaezoo sample {zoo.entry(name)} --n 50"


def bibtex(zoo: Address, name: str, row: IndexRow, year: int | None = None) -> str:
    """A BibTeX entry that names the revision."""
    year = year or datetime.date.today().year
    title = f"{name}: {row.summary}" if row.summary else name
    return "\n".join(
        [
            f"@misc{{{re.sub('_', '-', name)}-{row.revision[:8]},",
            f"  title = {{{in_tex(title)}}},",
            f"  year = {{{year}}},",
            f"  howpublished = {{\\url{{{zoo.entry(name)}}}}},",
            f"  note = {{Trained variational autoencoder, vaezoo entry, revision {row.revision}, "
            f"license {in_tex(row.license)}}},",
            "}",
        ]
    )


def in_tex(text: str) -> str:
    """Literal text in TeX, on one line."""
    return "".join(_TEX.get(c, c) for c in " ".join(text.split()))
