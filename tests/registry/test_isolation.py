"""Ten broken plugins, each in its own way: every command goes on working, and each is named."""

from __future__ import annotations

import json
import shutil
import time

import pytest
import yaml

from tests.helpers import spec_data
from tests.registry.installed import GOOD, ROOT, Site
from vaezoo.registry.discovery import Choice, find, isolation
from vaezoo.registry.discovery.plugin import Plugin, PluginSource

#: How a plugin is broken -> its module, and what must be said of it.
BROKEN = {
    "at-import": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "at-syntax": ("def (:", "SyntaxError"),
    "leaves": ("raise SystemExit(4)", "SystemExit: 4"),
    "at-hook": (GOOD.replace("return [Mine]", "return 1 / 0"), "ZeroDivisionError"),
    "at-definition": (
        GOOD.replace('description="how wide")', 'description="how wide", ge_=1 / 0)'),
        "ZeroDivisionError",
    ),
    "signature": (GOOD.replace("vaezoo_components()", "vaezoo_components(wish)"), "wish"),
    "returns": (GOOD.replace("return [Mine]", "return Mine"), "not a list of component classes"),
    "twice": (GOOD.replace("return [Mine]", "return [Mine, Mine]"), "two components named"),
    "newer": (GOOD + "\nvaezoo_api = 3\n", "plugin API 3, but this vaezoo has 2"),
    "undecorated": (GOOD.replace("@hookimpl\ndef vaezoo_com", "def vaezoo_com"), "lacks the decor"),
}
SPEC = spec_data(dataset="fashion_mnist")


@pytest.fixture
def ten(site: Site) -> Site:
    """The ten broken ones, a good one, and a spec that needs none of them."""
    for name, (text, _) in BROKEN.items():
        site.install(name, text, version="3.2")
    site.install("well-behaved")
    (site.folder.parent / "spec.yaml").write_text(yaml.safe_dump(SPEC, sort_keys=False))
    return site


def test_every_command_goes_on(ten: Site) -> None:
    for arguments in (
        ("--help",),
        ("validate", "spec.yaml"),
        ("zoo", "list"),
        ("zoo", "show", "fashion_mlp2"),
        ("plugins", "show", "encoder:mlp"),
        ("plugins", "list"),
        ("well_behaved",),
    ):
        done = ten.vaezoo(*arguments)
        assert done.code == 0, (arguments, done.err)
        assert not any(name in done.err for name in BROKEN), arguments
    assert "hello from well_behaved" in done.out


def test_each_is_listed_with_version_and_cause(ten: Site) -> None:
    listed = json.loads(ten.vaezoo("plugins", "list", "--json").out)
    states = {plugin["name"]: plugin for plugin in listed["plugins"]}
    assert set(states) == {*BROKEN, "well-behaved", "vaezoo"}
    for name, (_, said) in BROKEN.items():
        assert said in states[name]["error"], name
        assert (states[name]["version"], states[name]["distribution"]) == ("3.2", name)
        assert f"VAEZOO_DISABLE_PLUGINS={name}" in states[name]["advice"]
    for name in ("well-behaved", "vaezoo"):
        assert (states[name]["error"], states[name]["state"]) == (None, "ok")
    text = ten.vaezoo("plugins", "list").out
    assert all(f"{name} 3.2 ({name}, " in text for name in BROKEN)


@pytest.mark.slow
def test_doctor_lists_each_problem_and_exits_with_1(ten: Site) -> None:
    done = ten.vaezoo("doctor")
    assert done.code == 1
    for name, (_, said) in BROKEN.items():
        (paragraph,) = (p for p in done.out.split("\n  ") if p.startswith(f"{name} 3.2: "))
        assert paragraph
        assert said in done.out
    assert f"{len(BROKEN)} problems found" in done.out
    names = ",".join(BROKEN)
    assert ten.vaezoo("doctor", VAEZOO_DISABLE_PLUGINS=names).code == 0
    assert ten.vaezoo("--no-plugins", "doctor").code == 0


def test_a_spec_that_needs_a_broken_one_says_which(ten: Site) -> None:
    done = ten.vaezoo("validate", "spec.yaml", "--set", "model.encoder=at-import:residual")
    assert done.code == 1
    assert (
        "error[VZ303]: the encoder 'at-import:residual' needs the plugin at-import 3.2" in done.out
    )
    assert "ModuleNotFoundError" in done.out


#: A plugin for whose import there is sometimes too little memory.
SHORT = f"""
import os
if os.environ.get("SHORT"):
    raise RuntimeError("can't start new thread")
{GOOD}
"""


def test_memory_that_ran_out_is_no_fault_of_the_plugin(site: Site) -> None:
    site.install("short", SHORT)
    (site.folder.parent / "spec.yaml").write_text(yaml.safe_dump(SPEC, sort_keys=False))
    needing = ("validate", "spec.yaml", "--set", "model.encoder=short")
    for arguments in (needing, ("short",)):
        done = site.vaezoo(*arguments, SHORT="1")
        assert done.code == 3, done
        assert "VZ607" in done.err
        assert "not enough memory to import the plugin short 1.0" in done.err
        assert "VAEZOO_DISABLE_PLUGINS=short disables the plugin" in done.err
    for others in (("--help",), ("validate", "spec.yaml"), ("zoo", "list")):
        assert site.vaezoo(*others, SHORT="1").code == 0
    assert "short" in site.vaezoo("--help").out  # it is not remembered as broken
    assert site.vaezoo(*needing).code == 0


@pytest.mark.slow
def test_switches(ten: Site) -> None:
    off = ten.vaezoo("validate", "spec.yaml", "--set", "model.encoder=well_behaved")
    assert off.code == 0
    for arguments, environment in (
        (("--no-plugins",), {}),
        ((), {"VAEZOO_DISABLE_PLUGINS": "well-behaved"}),
        ((), {"VAEZOO_DISABLE_PLUGINS": "*"}),
    ):
        command = (*arguments, "validate", "spec.yaml", "--set", "model.encoder=well_behaved")
        done = ten.vaezoo(*command, **environment)
        assert done.code == 1
        assert "VZ304" in done.out
        assert "well-behaved 1.0, which is disabled" in done.out
        assert "well_behaved" not in ten.vaezoo(*arguments, "--help", **environment).out


def test_without_the_built_in_plugin_its_components_are_gone(site: Site) -> None:
    shutil.copy(ROOT / "specs" / "fashion_mlp2.yaml", site.folder.parent / "spec.yaml")
    done = site.vaezoo("validate", "spec.yaml", VAEZOO_DISABLE_PLUGINS="vaezoo")
    assert done.code == 1
    assert "'mlp'" in done.out
    assert "Disabled plugins" in done.out
    assert "Traceback" not in done.out + done.err
    assert site.vaezoo("plugins", "list", VAEZOO_DISABLE_PLUGINS="vaezoo").code == 0


def test_what_a_plugin_prints_stays_out_of_json(site: Site) -> None:
    site.install("noisy", "print('hello there')\n" + GOOD)
    done = site.vaezoo("plugins", "list", "--json")
    assert json.loads(done.out)
    assert "hello there" in done.err


@pytest.mark.slow
def test_a_plugin_that_hangs_is_given_up_and_remembered(site: Site) -> None:
    site.install("hangs", "import time\ntime.sleep(3600)\n" + GOOD)
    first = site.vaezoo("--help")
    assert first.code == 0
    assert "still importing the plugin hangs 1.0 after 2 s" in first.err
    assert "VAEZOO_DISABLE_PLUGINS=hangs disables it" in first.err
    assert "hangs" not in site.vaezoo("--help").err  # it is not tried again for that
    listed = json.loads(site.vaezoo("plugins", "list", "--json").out)
    (hangs,) = (plugin for plugin in listed["plugins"] if plugin["name"] == "hangs")
    assert f"no end after {isolation.TIMEOUT:g} s" in hangs["error"]


@pytest.mark.slow
@pytest.mark.parametrize(("distribution", "is_given_up"), [("vaezoo", False), ("other", True)])
def test_the_built_in_plugin_is_waited_for(
    distribution: str, is_given_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "TIMEOUT", 0.05)
    source = PluginSource(
        Plugin("slow", "1.0", "slow.py", distribution=distribution),
        lambda: list(map(time.sleep, [0.02] * 10)),
    )
    plugin, supplied = isolation.isolated(source, len)
    assert (plugin.error is not None) == is_given_up
    assert supplied == (None if is_given_up else 10)


@pytest.mark.slow
def test_a_plugin_that_imports_torch_is_called_slow(site: Site) -> None:
    site.install("heavy", "import torch\n" + GOOD)
    listed = json.loads(site.vaezoo("plugins", "list", "--json").out)
    (heavy,) = (plugin for plugin in listed["plugins"] if plugin["name"] == "heavy")
    assert heavy["state"].startswith("slow: imports torch")
    assert heavy["error"] is None
    assert "heavy" in site.vaezoo("plugins", "show", "encoder:heavy").out


def test_metadata_that_cannot_be_read_is_passed_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbled = site.folder / "garbled-1.0.dist-info"
    garbled.mkdir()
    (garbled / "entry_points.txt").write_text("[vaezoo]\nno equals sign here\n")
    site.install("well-behaved")
    monkeypatch.syspath_prepend(site.folder)
    names = {source.plugin.name for source in find(Choice())}
    assert names >= {"vaezoo", "well-behaved"}
