"""Links have targets, and quoted commands parse."""

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
#: Placeholders in quoted commands, and a value for each.
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
    """The anchors of a page's headings on GitHub."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize(("page", "link"), RELATIVE, ids=lambda v: getattr(v, "name", v))
def test_relative_link_has_a_target(page: Path, link: str) -> None:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.is_relative_to(ROOT)
    assert target.exists(), f"{page.name} links to {link}"
    if anchor:
        assert anchor in anchors(target)


def command_lines() -> list[tuple[str, str]]:
    """(location, command) of every quoted vaezoo command."""
    found = []
    for block in blocks("sh"):
        found += [(str(block), line) for line in _commands_of(block)]
    for page in PAGES:
        for quoted in re.findall(r"`([^`\n]+)`", prose(page)):
            if re.match(r"vaezoo +[-\w]", quoted):
                found.append((page.name, quoted))
    return found


def _commands_of(block: Block) -> list[str]:
    lines = re.sub(r"\\\n", " ", block.text).splitlines()
    commands = [part.strip() for line in lines for part in line.split("&&")]
    return [command for command in commands if command.startswith("vaezoo ")]


@pytest.mark.parametrize(("where", "line"), command_lines())
def test_command_parses(where: str, line: str) -> None:
    for placeholder, value in PLACEHOLDERS.items():
        line = line.replace(placeholder, value)
    arguments = shlex.split(line, comments=True)[1:]
    only_a_name = len(arguments) == 1
    parse([*arguments, "--help"] if only_a_name else arguments)


def test_wrong_command_is_an_error() -> None:
    for line in ("run", "run a.yaml --sett x=1", "smaple a", "sample a --n many", "zoo shw a"):
        with pytest.raises(click.UsageError):
            parse(shlex.split(line))


def parse(arguments: list[str]) -> None:
    """Parse a command as click does, without calling it."""
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
