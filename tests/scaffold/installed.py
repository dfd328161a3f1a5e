"""A new plugin as if installed in editable mode: metadata from its pyproject.toml, its own source.

What ``pip install -e`` writes, without the network that building needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 300.0


@dataclass
class Environment:
    """A folder to work in, and the packages that are installed there."""

    folder: Path
    sources: list[Path] = field(default_factory=list)

    @property
    def site(self) -> Path:
        return self.folder / "site"

    def install(self, package: Path) -> None:
        """Metadata as a build writes it; the code stays where it is."""
        project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
        name, version = project["name"], project["version"]
        metadata = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            f"Summary: {project['description']}",
            f"Requires-Python: {project['requires-python']}",
            *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
        ]
        (metadata / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
        points = project["entry-points"]["vaezoo"]
        text = "\n".join(["[vaezoo]", *(f"{key} = {value}" for key, value in points.items())])
        (metadata / "entry_points.txt").write_text(text + "\n", "utf-8")
        self.sources.append(package / "src")

    def python(self, *arguments: str) -> str:
        """What ``python …`` prints in the folder; it must end well."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAEZOO_", "PYTEST_"))}
        paths = os.pathsep.join(map(str, (self.site, *self.sources, ROOT)))
        own = {"PYTHONPATH": paths, "VAEZOO_CACHE": str(self.folder / "cache")}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=kept | own,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def vaezoo(self, *arguments: str) -> str:
        """What ``vaezoo …`` prints."""
        return self.python("-m", "vaezoo", *arguments)
