"""Importing a plugin so that whatever it does harms only itself."""

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
from vaezoo.system.timeout import timeout

#: Seconds after which an import is talked of, and after which it is given up.
UNEASY, LONGEST = 2.0, 10.0
#: What a plugin must not import at start-up.
HEAVY = ("torch", "torchvision", "matplotlib", "numpy")
_LONGEST_CAUSE = 300

T = TypeVar("T")


def isolated(source: PluginSource, take: Callable[[Any], T]) -> tuple[Plugin, T | None]:
    """Import a plugin and hand its module to ``take``: the plugin, and what ``take`` gave.

    Whatever either of them raises is the plugin's error, and a long wait is one too, except for
    vaezoo's own plugin on a machine that is busy: nothing works without it. What the plugin
    prints goes to stderr, so that what vaezoo prints stays what it says it is.
    """
    began, before = time.perf_counter(), _heavy()
    supplied, error, origin = None, None, source.plugin.origin
    longest = math.inf if source.plugin.distribution == "vaezoo" else LONGEST
    try:
        with (
            contextlib.redirect_stdout(sys.stderr),
            timeout(longest, UNEASY, partial(_say_that_it_takes_long, source.plugin)),
        ):
            module = source.load()
            origin = getattr(module, "__file__", None) or origin
            supplied = take(module)
    except (Exception, SystemExit) as failure:
        error = cause_of(failure)
    seconds, heavy = time.perf_counter() - began, tuple(h for h in _heavy() if h not in before)
    plugin = replace(source.plugin, origin=origin, seconds=seconds, heavy=heavy, error=error)
    return plugin, supplied


def cause_of(error: BaseException) -> str:
    """An error in one line of bearable length."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= _LONGEST_CAUSE else f"{text[:_LONGEST_CAUSE]}…"


def _heavy() -> list[str]:
    return [name for name in HEAVY if name in sys.modules]


def _say_that_it_takes_long(plugin: Plugin) -> None:
    print(
        f"still importing the plugin {plugin.label} after {UNEASY:g} s; "
        f"VAEZOO_DISABLE_PLUGINS={plugin.name} leaves it out",
        file=sys.__stderr__,
        flush=True,
    )
