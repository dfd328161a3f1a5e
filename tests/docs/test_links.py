"""Links lead somewhere, and quoted command lines can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from tests.docs.conftest import PAGES, ROOT, Block, blocks
from vaezoo.cli.commands import cli

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
#: placeholders in quoted command lines, and something that may stand there
PLACEHOLDERS = {
    "COMMAND": "run",
    "[VISUALIZER …]": "samples",
    "…": "",
}


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text("utf-8"))


LINKS = [(page, link) for page in PAGES for link in dict.fromkeys(LINK.findall(prose(page)))]
RELATIVE = [(page, link) for page, link in LINKS if not link.startswith(("http", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize(("page", "link"), RELATIVE, ids=lambda v: getattr(v, "name", v))
def test_a_relative_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.is_relative_to(ROOT)
    assert target.exists(), f"{page.name} links to {link}"
    if anchor:
        assert anchor in anchors(target)


def command_lines() -> list[tuple[str, str]]:
    """(where, line) of every quoted command of vaezoo."""
    found = []
    for block in blocks("sh"):
        found += [(str(block), line) for line in _commands_of(block)]
    for page in PAGES:
        for quoted in re.findall(r"`([^`\n]+)`", prose(page)):
            if re.match(r"vaezoo +[-\w]", quoted):
                found.append((page.name, quoted))
    return found


def _commands_of(block: Block) -> list[str]:
    several = re.sub(r"\\\n", " ", block.text).splitlines()
    commands = [part.strip() for line in several for part in line.split("&&")]
    return [command for command in commands if command.startswith("vaezoo ")]


@pytest.mark.parametrize(("where", "line"), command_lines())
def test_a_command_line_can_be_typed(where: str, line: str) -> None:
    for placeholder, instead in PLACEHOLDERS.items():
        line = line.replace(placeholder, instead)
    arguments = shlex.split(line, comments=True)[1:]
    is_a_name = len(arguments) == 1  # the text speaks of a command, it does not give one
    parse([*arguments, "--help"] if is_a_name else arguments)


def test_a_wrong_command_line_is_found() -> None:
    for line in ("run", "run a.yaml --sett x=1", "smaple a", "sample a --n many", "zoo shw a"):
        with pytest.raises(click.UsageError):
            parse(shlex.split(line))


def parse(arguments: list[str]) -> None:
    """What click does before it calls a command's function."""
    command: click.Command | None = cli
    name: str | None = "vaezoo"
    context: click.Context | None = None
    while command is not None:
        try:
            context = command.make_context(name, arguments, parent=context)
        except click.exceptions.Exit:  # --help
            return
        arguments = [*getattr(context, "_protected_args", []), *context.args]
        if not isinstance(command, click.Group) or not arguments:
            return
        name, command, arguments = command.resolve_command(context, arguments)
