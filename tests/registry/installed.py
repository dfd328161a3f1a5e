"""Plugins as real distributions: a folder that Python finds packages and their metadata in."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120.0

#: A well-behaved plugin: one encoder and one command, both called as the plugin is.
GOOD = '''
"""A plugin."""

from pydantic import Field

from vaezoo import Encoder, hookimpl


class Mine(Encoder, use="{module}"):
    """An encoder of one layer."""

    width: int = Field(3, ge=1, description="how wide")

    def build(self, image, output):
        """Images (B, C, H, W) -> (B, *output)."""
        import math

        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.line = nn.Linear(math.prod(image), math.prod(output))

            def forward(self, images):
                return self.line(images.flatten(1)).unflatten(1, output)

        return Net()


@hookimpl
def vaezoo_components():
    return [Mine]


@hookimpl
def vaezoo_commands():
    import click

    @click.command("{module}")
    def command():
        """Say hello."""
        click.echo("hello from {module}")

    return [command]
'''


@dataclass(frozen=True)
class Done:
    """How a command ended, what it printed, and the CPU seconds that it took."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Site:
    """A folder of installed packages, and ``vaezoo`` as it runs with them."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def install(self, name: str, text: str = GOOD, version: str = "1.0") -> Path:
        """A distribution whose package holds ``plugin.py``; returns the package's folder."""
        module = name.replace("-", "_")
        package = self.folder / module
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "plugin.py").write_text(text.replace("{module}", module), "utf-8")
        for old in self.folder.glob(f"{module}-*.dist-info"):
            old.rename(self.folder / f"{module}-{version}.dist-info")
        metadata = self.folder / f"{module}-{version}.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[vaezoo]\n{name} = {module}.plugin\n")
        return package

    def vaezoo(self, *arguments: str, **environment: str) -> Done:
        """The command as a process, with what is installed here."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VAEZOO_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        own = {
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(ROOT))),
            "VAEZOO_CACHE": str(self.folder.parent / "cache"),
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "vaezoo", *arguments],
            cwd=self.folder.parent,
            env=kept | own | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Done(done.returncode, done.stdout, done.stderr, seconds)
