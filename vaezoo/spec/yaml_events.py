"""YAML events from libyaml if it accepts the text, else from PyYAML, with our messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.diagnostics.printable import code_point
from vaezoo.spec.scanner import Loader
from vaezoo.spec.yaml_errors import not_yaml, one_character, position_in

#: PyYAML in Python: slow, but the same everywhere.
_PLAIN: Any = Loader
#: libyaml, if PyYAML was built with it: ten times faster.
_FAST: Any = getattr(yaml, "CSafeLoader", None)
#: Text that the two may parse differently.
_DISPUTED = re.compile("[\t?!%\ufeff]|[|>][-+0-9]*#")
#: Characters that YAML forbids; PyYAML reports them without their line.
#: (Three sets, because Python takes 8 ms to compile one of that size.)
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|[\ufffe-\uffff]"
)

#: Receives the events in order.
Take = Callable[[yaml.Event], None]


def feed(text: str, source: str, begin: Callable[[], Take]) -> None:
    """Pass every event of ``text`` to the function that ``begin`` returns.

    Calls ``begin`` again if libyaml rejects the text: PyYAML then parses it from the start, so
    that findings do not depend on how PyYAML was built. Raises SpecError (VZ103).
    """
    _reject_forbidden(text, source)
    # without a last line break the two place an empty value at the end differently
    lines = text + "\n"
    if _FAST and not _DISPUTED.search(text):
        try:
            return _events(_FAST, lines, begin())
        except yaml.YAMLError:
            pass
    try:
        return _events(_PLAIN, lines, begin())
    except yaml.YAMLError as error:
        raise SpecError(not_yaml(error, text, source)) from None


def _events(loader: Any, text: str, take: Take) -> None:
    events = loader(text)
    try:
        while event := events.get_event():
            take(event)
    finally:
        events.dispose()


def _reject_forbidden(text: str, source: str) -> None:
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        message = f"the control character {code_point(forbidden[0])} is not allowed in YAML"
        span = one_character(source, position_in(text, forbidden.start()))
        raise SpecError(Diagnostic("VZ103", message, span, hint="remove the character"))
