"""No passage of the package stands twice."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "vaezoo"
#: Lines in a row that may not stand twice, not counting those that say nothing by themselves.
LENGTH = 6
#: A parameter of a signature, or a name that is passed on under the same name.
PARAMETER = re.compile(r"\*?\w+(: [^=]+)?( = \S+)?,|(\w+)=(\w+\.)*\3,")
#: Files that may share passages with each other.
EXCUSED = [
    # both see through the generator that a part draws with, each in its own way
    {"training/distributed/shared_step.py", "training/execution/graph_capture.py"},
    # each says of itself that it is a product of normal densities
    {"components/posteriors.py", "components/priors.py"},
]


def test_no_passage_stands_twice() -> None:
    texts = {str(p.relative_to(PACKAGE)): p.read_text("utf-8") for p in PACKAGE.rglob("*.py")}
    found = [
        " = ".join(f"{file}:{line}" for file, line in places)
        for places in repeated(texts)
        if not any({file for file, _ in places} <= excused for excused in EXCUSED)
    ]
    assert not found, "\n".join(["these passages are the same:", *sorted(found)])


def test_a_passage_is_found_in_two_files_and_within_one() -> None:
    passage = "\n".join(f"total += step({n})" for n in range(LENGTH))
    indented = passage.replace("total", "    total")
    texts = {"a.py": f"import math\n{passage}\n", "b.py": f"def add(total):\n\n{indented}\n"}
    assert repeated(texts) == [[("a.py", 2), ("b.py", 3)]]
    assert repeated({"c.py": f"{passage}\nprint(total)\n{passage}\n"}) == [
        [("c.py", 1), ("c.py", 8)]
    ]


def test_imports_names_and_parameters_are_no_passage() -> None:
    names = "".join(f"    name{n},\n" for n in range(9))
    text = f"from parts import (\n{names})\n\n__all__ = [\n{names}]\n\nbuild(\n{names})\n"
    assert repeated({"a.py": text, "b.py": text}) == []


def repeated(texts: dict[str, str]) -> list[list[tuple[str, int]]]:
    """For each passage that stands twice or more often, its places: file and first line."""
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for file, text in sorted(texts.items()):
        lines = telling_lines(text)
        for first in range(len(lines) - LENGTH + 1):
            passage = lines[first : first + LENGTH]
            places[tuple(line for _, line in passage)].append((file, passage[0][0]))
    return [found for found in places.values() if len(found) > 1]


def telling_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers, without imports, ``__all__``, lone brackets and parameters."""
    silent = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and is_list_of_names(node)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = ((n, " ".join(line.split())) for n, line in enumerate(text.splitlines(), start=1))
    return [
        (number, line)
        for number, line in lines
        if number not in silent and re.search(r"\w", line) and not PARAMETER.fullmatch(line)
    ]


def is_list_of_names(statement: ast.stmt) -> bool:
    """Whether it imports names or assigns ``__all__``."""
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]) == "__all__"
    return isinstance(statement, ast.Import | ast.ImportFrom)
