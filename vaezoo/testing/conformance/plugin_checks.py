"""Checks of a plugin as a whole: metadata, import cost, and its hooks in a run."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import DivergenceError
from vaezoo.registry import Registry, discover
from vaezoo.runs.run import run
from vaezoo.system import safetensors_io
from vaezoo.testing.conformance import tiny_models
from vaezoo.testing.conformance.component_checks import require_cheap
from vaezoo.testing.conformance.import_cost import Cost, import_cost
from vaezoo.testing.conformance.kit import Conformance
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.target import PluginTarget, targets
from vaezoo.training import Observer

_RUN_HOOKS = (
    "vaezoo_run_started",
    "vaezoo_epoch_finished",
    "vaezoo_run_finished",
    "vaezoo_run_failed",
)


class PluginConformance(Conformance):
    """``class TestPlugin(PluginConformance): plugin = "my-plugin"``.

    ``plugin`` is the name of the plugin or its distribution, or a Python file.
    """

    plugin: str

    def test_loads(self) -> None:
        """It can be imported, and its hooks work."""
        error = self.target.plugin.error
        require(not error, str(error))

    def test_metadata(self) -> None:
        """Its distribution has a summary and a Python version, and depends on vaezoo."""
        entry_point = self.target.entry_point
        if entry_point is None or entry_point.dist is None:
            raise NotApplicable("it is a file, not an installed distribution")
        about = entry_point.dist.metadata
        for field in ("Summary", "Requires-Python"):
            require(about[field], f"pyproject.toml lacks {_IN_PYPROJECT[field]}")
        needed = [re.split(r"[ ;<>=!~\[]", text)[0] for text in entry_point.dist.requires or ()]
        own = about["Name"] == "vaezoo"
        require(own or "vaezoo" in needed, 'pyproject.toml lacks "vaezoo" among its dependencies')

    def test_import_budget(self) -> None:
        """It is imported in less than 50 ms, without torch, torchvision, numpy or matplotlib."""
        require_cheap(self._cost)

    def test_commands(self) -> None:
        """Each command it adds has a help page."""
        if "vaezoo_commands" not in self._cost.hooks:
            raise NotApplicable("it adds no commands")
        import click

        for name in self.target.registry.command_lines():
            command = self.target.registry.command(name)
            if command is None:
                continue
            page = command.get_help(click.Context(command, info_name=name))
            require(command.help or page.count("\n") > 3, f"the command {name} has no docstring")

    def test_run_hooks_in_a_run(self) -> None:
        """Its run hooks raise no error in a run, and do not change the weights."""
        self._need_run_hooks()
        with _own_folder():
            observer = _RecordingObserver()
            entry: Any = run(
                _spec(), zoo="zoo", device="cpu", observer=observer, registry=self._with
            )
            require(not self._mine(observer), "; ".join(self._mine(observer)))
            ours = safetensors_io.digest(safetensors_io.load(entry.path / "model.safetensors")[0])
            others = discover([tiny_models.PLUGIN], disabled=[self.target.plugin.name])
            entry = run(_spec(), zoo="other", device="cpu", fresh=True, registry=others)
            theirs = safetensors_io.digest(safetensors_io.load(entry.path / "model.safetensors")[0])
        require(
            ours == theirs,
            "it changes the weights of a run; a hook must not modify its arguments or draw from "
            "torch's global generator",
        )

    def test_run_hooks_in_a_failing_run(self) -> None:
        """Its run hooks raise no error in a run that diverges."""
        self._need_run_hooks()
        with _own_folder():
            observer = _RecordingObserver()
            spec = _spec(optimizer={"use": "sgd", "lr": 1e30})
            with contextlib.suppress(DivergenceError):
                run(spec, zoo="zoo", device="cpu", observer=observer, registry=self._with)
        require(not self._mine(observer), "; ".join(self._mine(observer)))

    @property
    def target(self) -> PluginTarget:
        """The plugin and its registry."""
        return targets(self.plugin)[0]

    @property
    def _with(self) -> Registry:
        """A registry with the plugin and the small dataset."""
        given = [self.target.plugin.reference] if self.target.plugin.reference else []
        return discover([*given, tiny_models.PLUGIN])

    @property
    def _cost(self) -> Cost:
        cost = import_cost(self.target.reference)
        require(not cost.error, f"it fails in a fresh Python: {cost.error}")
        return cost

    def _need_run_hooks(self) -> None:
        if not set(_RUN_HOOKS) & set(self._cost.hooks):
            raise NotApplicable("it has no run hooks")

    def _mine(self, observer: _RecordingObserver) -> list[str]:
        return [line for line in observer.warnings if f"plugin {self.target.plugin.name} " in line]


class _RecordingObserver(Observer):
    """Records the warnings of a run."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)


_IN_PYPROJECT = {"Summary": "a description", "Requires-Python": "requires-python"}


def _spec(**parts: Any) -> Any:
    return tiny_models.small_spec(registry=discover([tiny_models.PLUGIN]), **parts)


@contextlib.contextmanager
def _own_folder() -> Any:
    """Change to an empty folder: a run, and perhaps a hook, writes files."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(Path(folder)):
        yield
