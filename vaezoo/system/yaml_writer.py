"""``spec.yaml`` of an entry: JSON data written as a person would write it."""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml

from vaezoo.diagnostics.printable import in_log, printable, without_commands

_WIDEST_LIST = 72
_WIDTH = 100


def to_yaml(data: dict[str, Any]) -> str:
    """YAML in the order of ``data``: lists of plain values on one line, nothing by alias.

    >>> print(to_yaml({"hidden": [400, 400], "lr": 0.001}), end="")
    hidden: [400, 400]
    lr: 0.001
    """
    text = _dumped(data, _WIDTH)
    # a folded line may begin with what a CI system obeys; the same text in one line does not
    return text if without_commands(text) == text else _dumped(data, sys.maxsize)


def _dumped(data: dict[str, Any], width: int) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)
    return text.replace("##[", "\\x23#[")  # it stands in double quotes alone


def resolved_text(data: dict[str, Any]) -> str:
    """A resolved spec as a file, as it stands in an entry and as ``vaezoo show`` prints it."""
    return f"# {data['name']}, resolved: every default filled in\n{to_yaml(data)}"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)  # a list's items stand under its key

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if _acts(scalar):  # only in double quotes are there escapes
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        before, self.allow_unicode = self.allow_unicode, printable(text, keep="\n\t") == text
        super().write_double_quoted(text, split)
        self.allow_unicode = before


def _acts(text: str) -> bool:
    """Whether something of the text would act on a terminal or a CI system, or not be seen."""
    return in_log(text) != text


def _sequence(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    plain = not any(isinstance(item, dict | list) for item in items)
    short = sum(len(str(item)) + 2 for item in items) <= _WIDEST_LIST
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=plain and short)


def _mapping(dumper: _Dumper, items: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", items, flow_style=False)


_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(dict, _mapping)
# PyYAML takes these for text and would write them bare; vaezoo reads YAML 1.2, where they are
# numbers, so a text that looks like one needs its quotes.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|0o[0-7]+$"),
    list("-+.0123456789"),
)
