"""Plugins are found, and one that is broken harms only itself."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaezoo.diagnostics import PluginError
from vaezoo.registry import Encoder, ImageShape, Plugin, Registry, discover, hookimpl
from vaezoo.registry.module_contracts import Shape

GOOD = '''
from vaezoo import Encoder, hookimpl

class Tiny(Encoder, use="tiny"):
    """A tiny encoder."""
    width: int = 3
    def build(self, image, output): ...

@hookimpl
def vaezoo_components():
    return [Tiny]
'''

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def the(registry: Registry, name: str) -> Plugin:
    return next(plugin for plugin in registry.plugins if plugin.name == name)


def test_the_built_in_plugin_is_found_like_any_other() -> None:
    assert the(discover(), "vaezoo").error is None
    assert discover().find("encoder", "mlp").qualified == "vaezoo:mlp"


def test_a_plugin_in_a_file(write: Write) -> None:
    path = write("good_plugin", GOOD)
    found = discover([path]).find("encoder", "tiny")
    assert (found.plugin.name, found.plugin.origin) == ("good_plugin", path)


def test_a_plugin_named_in_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_PLUGINS", write("listed_plugin", GOOD))
    assert discover().find("encoder", "tiny").plugin.name == "listed_plugin"


def test_a_disabled_plugin_is_not_loaded(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_DISABLE_PLUGINS", "unwanted")
    registry = discover([write("unwanted", "raise RuntimeError('loaded after all')")])
    assert the(registry, "unwanted").state == "off"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("at_import", "import no_such_module_anywhere", "ModuleNotFoundError"),
        ("at_syntax", "def (:", "SyntaxError"),
        ("leaves", "raise SystemExit(4)", "SystemExit"),
        ("raises", GOOD.replace("return [Tiny]", "return 1 / 0"), "ZeroDivisionError"),
        ("wrong_item", GOOD.replace("return [Tiny]", "return [3]"), "not a component class"),
        ("wrong_type", GOOD.replace("return [Tiny]", "return 3"), "TypeError"),
        ("no_name", GOOD.replace(', use="tiny"', ""), "needs a kind's base class and a name"),
        ("argument", GOOD.replace("components():", "components(wish):"), "wish"),
        ("hook", GOOD + "\n@hookimpl\ndef vaezoo_nothing(): ...\n", "vaezoo_nothing"),
    ],
)
def test_a_broken_plugin_harms_only_itself(name: str, text: str, said: str, write: Write) -> None:
    registry = discover([write(name, text)])
    assert said in (the(registry, name).error or "")
    assert registry.find("encoder", "mlp")
    with pytest.raises(PluginError) as caught:
        registry.find("encoder", "tiny")
    assert name in (caught.value.diagnostics[0].hint or "")


def test_a_missing_file_and_a_missing_module() -> None:
    registry = discover(["nowhere.py", "no_such_module_at_all"])
    assert "no such file" in (the(registry, "nowhere").error or "")
    assert "ModuleNotFoundError" in (the(registry, "no_such_module_at_all").error or "")


def plugin(registry: Registry, name: str, **hooks: Any) -> None:
    module = types.ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function, specname=hook))
    registry.add(Plugin(name, "1", f"{name}.py"), module)


def encoder(use: str) -> type[Encoder]:
    class Local(Encoder, use=use):
        def build(self, image: ImageShape, output: Shape) -> Any: ...

    return Local


def test_two_plugins_with_one_component_name() -> None:
    registry = Registry()
    plugin(registry, "one", vaezoo_components=lambda: [encoder("same")])
    plugin(registry, "two", vaezoo_components=lambda: [encoder("same")])
    with pytest.raises(PluginError) as caught:
        registry.find("encoder", "same")
    assert caught.value.diagnostics[0].code == "VZ302"
    assert "one.py" in str(caught.value)
    assert "two.py" in str(caught.value)
    assert registry.find("encoder", "two:same").plugin.name == "two"


def test_a_second_plugin_of_one_name_does_not_harm_the_first(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_plugin.py").write_text(GOOD)
    first, second = (str(tmp_path / folder / "same_plugin.py") for folder in ("a", "b"))
    registry = discover([first, second, first])
    assert registry.find("encoder", "tiny").plugin.origin == first
    assert f"has this name: {first}" in (the(registry, f"same_plugin@{second}").error or "")


def test_an_unknown_name_says_what_there_is() -> None:
    registry = Registry()
    plugin(registry, "one", vaezoo_components=lambda: [encoder("dense")])
    with pytest.raises(PluginError) as caught:
        registry.find("encoder", "dens")
    assert caught.value.diagnostics[0].hint == "did you mean 'dense'? encoders: dense"
    with pytest.raises(PluginError, match="one of the encoders"):
        registry.find("decoder", "dense")
    with pytest.raises(PluginError, match="losses"):
        registry.find("loss", "dens")


def test_a_run_hook_that_fails_is_reported_and_the_others_run() -> None:
    seen = []

    def fails(run: object) -> None:
        raise RuntimeError("no network")

    def works(run: object) -> None:
        seen.append(run)

    registry = Registry()
    plugin(registry, "bad", vaezoo_run_started=fails)
    plugin(registry, "good", vaezoo_run_started=works)
    failures = registry.notify("vaezoo_run_started", run="a run")
    assert seen == ["a run"]
    assert failures == ["plugin bad 1 failed in vaezoo_run_started: RuntimeError: no network"]
