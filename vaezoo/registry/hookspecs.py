"""The six hooks that a plugin can implement.

A plugin is a module with functions of these names, decorated with ``vaezoo.hookimpl``. A function
may omit arguments that it does not need. A module may set ``vaezoo_api = 2``, the version of the
hooks and base classes that it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from vaezoo.registry.component import Component
    from vaezoo.registry.contracts import EpochRecord, PublishedEntry, RunInfo

PROJECT = "vaezoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vaezoo_components() -> list[type[Component]]:  # type: ignore[empty-body]
    """Return the component classes of the plugin. Must not import torch."""


@hookspec
def vaezoo_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Return commands to add to ``vaezoo``. A command whose name is taken is skipped."""


@hookspec
def vaezoo_run_started(run: RunInfo) -> None:
    """Called before a run trains its first epoch, or its first epoch after resuming.

    ``run`` holds its spec, model, data, lock, device, folder and number of finished epochs.
    """


@hookspec
def vaezoo_epoch_finished(run: RunInfo, record: EpochRecord) -> None:
    """Called after each epoch, when its checkpoint is written.

    ``record`` holds the epoch's number from 1, its means in nats, learning rate and seconds.
    """


@hookspec
def vaezoo_run_finished(run: RunInfo, entry: PublishedEntry) -> None:
    """Called after a run has published its entry.

    ``entry`` holds the name, folder, pictures and the figures of the test split.
    """


@hookspec
def vaezoo_run_failed(run: RunInfo, error: BaseException) -> None:
    """Called if a started run fails, or is stopped by the user (``KeyboardInterrupt``)."""


HOOKS = tuple(name for name, value in list(globals().items()) if hasattr(value, f"{PROJECT}_spec"))
