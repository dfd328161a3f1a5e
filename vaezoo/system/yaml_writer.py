"""Write a spec as readable YAML."""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml

from vaezoo.diagnostics.printable import in_log, printable, without_commands

_WIDEST_LIST = 72
_WIDTH = 100


def to_yaml(data: dict[str, Any]) -> str:
    """YAML in the order of ``data``: lists of plain values on one line, no aliases.

    >>> print(to_yaml({"hidden": [400, 400], "lr": 0.001}), end="")
    hidden: [400, 400]
    lr: 0.001
    """
    text = _dumped(data, _WIDTH)
    # a folded line may start with a command of a CI system; the unfolded text does not
    return text if without_commands(text) == text else _dumped(data, sys.maxsize)


def _dumped(data: dict[str, Any], width: int) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)
    return text.replace("##[", "\\x23#[")  # it occurs only in double quotes


def resolved_text(data: dict[str, Any]) -> str:
    """The text of an entry's ``spec.yaml``, and of ``vaezoo show``."""
    return f"# {data['name']}, resolved: every default filled in\n{to_yaml(data)}"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)  # indent a list's items below its key

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if _is_active(scalar):  # only double quotes have escapes
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        before, self.allow_unicode = self.allow_unicode, printable(text, keep="\n\t") == text
        super().write_double_quoted(text, split)
        self.allow_unicode = before


def _is_active(text: str) -> bool:
    """Whether the text has control or invisible characters, or commands of a CI system."""
    return in_log(text) != text


def _sequence(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    plain = not any(isinstance(item, dict | list) for item in items)
    short = sum(len(str(item)) + 2 for item in items) <= _WIDEST_LIST
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=plain and short)


def _mapping(dumper: _Dumper, items: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", items, flow_style=False)


_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(dict, _mapping)
# PyYAML reads these as text and would not quote them. In YAML 1.2, which vaezoo reads, they are
# numbers, so text of this form needs quotes.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|0o[0-7]+$"),
    list("-+.0123456789"),
)
