"""The six hooks: everything that a plugin can answer to.

A plugin is a module whose functions of these names carry the decorator ``vaezoo.hookimpl``. An
argument that a hook does not need may be left out. A module may set ``vaezoo_api = 1``, the
version of these hooks and of the base classes that it is written for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from vaezoo.registry.component import Component
    from vaezoo.registry.contracts import EpochRecord, PublishedEntry, RunInfo

API = 1
PROJECT = "vaezoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vaezoo_components() -> list[type[Component]]:  # type: ignore[empty-body]
    """The component classes that this plugin supplies. Must not import torch."""


@hookspec
def vaezoo_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Commands to add to ``vaezoo``. One whose name is taken already is left out."""


@hookspec
def vaezoo_run_started(run: RunInfo) -> None:
    """A run is about to train its first epoch, or the first one after it was resumed.

    ``run`` holds its spec, model, data, lock, device and folder, and how many epochs are done.
    """


@hookspec
def vaezoo_epoch_finished(run: RunInfo, record: EpochRecord) -> None:
    """An epoch ended and its checkpoint is written.

    ``record`` holds the epoch's number from 1, its means in nats, learning rate and seconds.
    """


@hookspec
def vaezoo_run_finished(run: RunInfo, entry: PublishedEntry) -> None:
    """A run has published its entry.

    ``entry`` holds the name, folder, pictures and the figures of the test split.
    """


@hookspec
def vaezoo_run_failed(run: RunInfo, error: BaseException) -> None:
    """A run ended early, after it had started.

    ``error`` is what ended it: KeyboardInterrupt where the user did.
    """


HOOKS = tuple(name for name, value in list(globals().items()) if hasattr(value, f"{PROJECT}_spec"))
