"""Import a plugin so that its faults affect only itself."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from vaezoo.registry.discovery.plugin import Plugin, PluginSource
from vaezoo.system.out_of_memory import is_out_of_memory
from vaezoo.system.timeout import timeout

#: Seconds after which a slow import is reported, and after which it is aborted: long enough for a
#: busy machine or a network drive.
SLOW_IMPORT, TIMEOUT = 2.0, 30.0
#: Libraries that a plugin must not import at start-up.
HEAVY = ("torch", "torchvision", "matplotlib", "numpy")
_MAX_CAUSE = 300

T = TypeVar("T")


def isolated(source: PluginSource, take: Callable[[Any], T]) -> tuple[Plugin, T | None]:
    """Import a plugin and pass its module to ``take``; return the plugin and the result.

    Any error, and a timeout, is stored in the plugin. vaezoo's own plugin has no timeout, because
    nothing works without it. The plugin's output goes to stderr, to keep stdout clean.
    """
    began, before = time.perf_counter(), _heavy()
    supplied, origin = None, source.plugin.origin
    failed: BaseException | None = None
    seconds = math.inf if source.plugin.is_built_in else TIMEOUT
    try:
        with (
            contextlib.redirect_stdout(sys.stderr),
            timeout(seconds, SLOW_IMPORT, partial(_report_slow, source.plugin)),
        ):
            module = source.load()
            origin = getattr(module, "__file__", None) or origin
            supplied = take(module)
    except (Exception, SystemExit) as error:
        failed = error
    plugin = replace(
        source.plugin,
        origin=origin,
        seconds=time.perf_counter() - began,
        heavy=tuple(library for library in _heavy() if library not in before),
        error=cause_of(failed) if failed else None,
        lacked_memory=failed is not None and is_out_of_memory(failed),
    )
    return plugin, supplied


def cause_of(error: BaseException) -> str:
    """An error on one line of limited length."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _MAX_CAUSE else f"{text[:_MAX_CAUSE]}…"


def _heavy() -> list[str]:
    return [name for name in HEAVY if name in sys.modules]


def _report_slow(plugin: Plugin) -> None:
    print(
        f"still importing the plugin {plugin.label} after {SLOW_IMPORT:g} s; "
        f"VAEZOO_DISABLE_PLUGINS={plugin.name} disables it",
        file=sys.__stderr__,
        flush=True,
    )
