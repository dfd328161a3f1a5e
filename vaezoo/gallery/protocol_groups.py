"""Group entries by the protocol of their figures: only figures of one protocol are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaezoo.gallery.entry_summary import EntrySummary, ShownFigure
from vaezoo.registry.quantity import Role


@dataclass(frozen=True, order=True)
class Protocol:
    """How a test figure was measured, on images with the digest ``data``."""

    dataset: str
    split: str
    likelihood: str
    binarisation: str
    samples: int
    examples: int
    is_held_out: bool
    data: str

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Its facts as names and texts."""
        drawn = f"{self.samples:,} per image" if self.samples else "none"
        return (
            ("dataset", f"{self.dataset} ({self.data[:12]})"),
            ("split", self.split if self.is_held_out else f"{self.split}, also trained on"),
            ("likelihood", self.likelihood),
            ("binarization", self.binarisation),
            ("samples of z", drawn),
            ("images", f"{self.examples:,}"),
        )


@dataclass(frozen=True)
class RankedEntry:
    """An entry with its test ELBO, and its rate and distortion if they are recorded."""

    entry: EntrySummary
    elbo: ShownFigure
    rate: ShownFigure | None
    distortion: ShownFigure | None


@dataclass(frozen=True)
class ProtocolGroup:
    """The entries of one protocol, the highest ELBO first."""

    protocol: Protocol
    members: tuple[RankedEntry, ...]


def grouped(entries: Sequence[EntrySummary]) -> tuple[ProtocolGroup, ...]:
    """The groups, large ones first; entries without a test ELBO are in none."""
    found: dict[Protocol, list[RankedEntry]] = {}
    for entry in entries:
        elbo = entry.of_role("elbo")
        if elbo:
            one = RankedEntry(entry, elbo, _beside(elbo, entry, "kl"), _distortion(elbo, entry))
            found.setdefault(protocol_of(entry, elbo), []).append(one)
    groups = [
        ProtocolGroup(protocol, tuple(sorted(members, key=lambda one: -one.elbo.value)))
        for protocol, members in found.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-len(group.members), group.protocol)))


def protocol_of(entry: EntrySummary, figure: ShownFigure) -> Protocol:
    """The protocol of one of an entry's figures."""
    return Protocol(
        entry.dataset,
        figure.split,
        figure.likelihood,
        figure.binarisation,
        figure.samples,
        figure.examples,
        not entry.test_is_trained_on,
        entry.data_digest,
    )


def _distortion(elbo: ShownFigure, entry: EntrySummary) -> ShownFigure | None:
    return _beside(elbo, entry, "reconstruction")


def _beside(elbo: ShownFigure, entry: EntrySummary, role: Role) -> ShownFigure | None:
    """The figure of a role, if it was measured like the ELBO."""
    figure = entry.of_role(role)
    same = figure and protocol_of(entry, figure) == protocol_of(entry, elbo)
    return figure if same else None
