"""Plugins are found, and one that is broken harms only itself."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaezoo.diagnostics import PluginError
from vaezoo.registry import (
    Encoder,
    ImageShape,
    Plugin,
    Registry,
    discover,
    hookimpl,
    new_registry,
)

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
        def build(self, image: ImageShape, output: tuple[int, ...]) -> Any: ...

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


def test_a_plugin_that_takes_a_built_in_name_does_not_change_other_specs() -> None:
    registry = new_registry()
    plugin(registry, "taker", vaezoo_components=lambda: [encoder("mlp")])
    assert registry.find("encoder", "mlp").plugin.name == "vaezoo"
    assert registry.find("encoder", "taker:mlp").plugin.name == "taker"


def test_a_second_plugin_of_one_name_does_not_harm_the_first(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_plugin.py").write_text(GOOD)
    first, second = (str(tmp_path / folder / "same_plugin.py") for folder in ("a", "b"))
    registry = discover([first, second, first])
    assert registry.find("encoder", "tiny").plugin.origin == first
    assert f"has this name: {first}" in (the(registry, f"same_plugin@{second}").error or "")


def test_an_unknown_name_lists_the_known_ones() -> None:
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


#: ``build`` of each kind as plugin API 1 had it, and as it is now.
BUILDS = {
    "Encoder": ("image, latent", "image, output"),
    "Decoder": ("latent, output", "latents, output"),
    "Prior": ("latent", "space"),
}


def part(kind: str, parameters: str, declared: str = "") -> str:
    renamed = GOOD.replace("Encoder", kind).replace("image, output", parameters)
    return f"{declared}\n{renamed}"


@pytest.mark.parametrize("kind", BUILDS)
def test_a_part_of_plugin_api_1_is_refused(kind: str, write: Write) -> None:
    before, now = BUILDS[kind]
    registry = discover([write("old_plugin", part(kind, before))])
    error = the(registry, "old_plugin").error or ""
    assert f"Tiny.build({before}) is of plugin API 1" in error
    assert f"build({now})" in error
    assert "docs/plugins.md, 'From API 1 to 2'" in error
    with pytest.raises(PluginError, match="is of plugin API 1"):
        registry.find(kind.lower(), "tiny")


@pytest.mark.parametrize("kind", BUILDS)
def test_a_part_of_plugin_api_2_is_taken(kind: str, write: Write) -> None:
    before, now = BUILDS[kind]
    for name, text in {
        "new_plugin": part(kind, now),
        "declared_plugin": part(kind, before, "vaezoo_api = 2"),  # names of its own choice
    }.items():
        registry = discover([write(name, text)])
        assert the(registry, name).error is None
        assert registry.find(kind.lower(), "tiny").plugin.name == name


def test_a_plugin_that_declares_api_1_is_refused(write: Write) -> None:
    path = write("dated_plugin", part("Encoder", "image, output", "vaezoo_api = 1"))
    error = the(discover([path]), "dated_plugin").error or ""
    assert "it is written for plugin API 1, but this vaezoo has 2" in error
    assert "docs/plugins.md, 'From API 1 to 2'" in error


def test_the_guide_that_the_refusal_names_is_there() -> None:
    page = Path(__file__).parents[2] / "docs" / "plugins.md"
    assert "\n## From API 1 to 2\n" in page.read_text("utf-8")
