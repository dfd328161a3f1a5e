"""Fifty plugins slow nobody down; the whole registry stays small."""

from __future__ import annotations

import inspect

import pytest

from tests.registry.installed import ROOT, Site
from vaezoo.registry import KINDS


@pytest.mark.slow
def test_help_with_fifty_plugins(site: Site) -> None:
    bare = Site(site.folder.parent / "bare", {"VAEZOO_DISABLE_PLUGINS": ""})
    bare.folder.mkdir()
    for number in range(50):
        site.install(f"plugin-{number:02}")
    first = site.vaezoo("--help")
    assert all(f"plugin_{number:02}" in first.out for number in range(50))
    bare.vaezoo("--help")
    # the minimum of several: other load only adds to the CPU time
    alone = min(bare.vaezoo("--help").seconds for _ in range(4))
    among = min(site.vaezoo("--help").seconds for _ in range(4))
    assert among < 1.6 * alone


@pytest.mark.slow
def test_nothing_of_a_plugin_runs_for_help_once_it_is_known(site: Site) -> None:
    package = site.install("counted")
    log = site.folder.parent / "log"
    text = (package / "plugin.py").read_text()
    (package / "plugin.py").write_text(f"open({str(log)!r}, 'a').write('imported ')\n{text}")
    for _ in range(3):
        assert "counted" in site.vaezoo("--help").out
        site.vaezoo("plugins", "show", "encoder:mlp")
    assert log.read_text() == "imported "
    assert site.vaezoo("counted").out == "hello from counted\n"
    assert log.read_text() == "imported imported "


@pytest.mark.slow
def test_a_changed_plugin_is_looked_at_again(site: Site) -> None:
    package = site.install("changed")
    assert "Say hello." in site.vaezoo("--help").out
    text = (package / "plugin.py").read_text()
    (package / "plugin.py").write_text(text.replace("Say hello.", "Say good-bye."))
    assert "Say good-bye." in site.vaezoo("--help").out


def test_the_registry_stays_small() -> None:
    """Registry, its questions to plugins, hook file and the base class of components."""
    names = ("registry", "collect", "hookspecs", "component")
    files = [ROOT / "vaezoo" / "registry" / f"{name}.py" for name in names]
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) < 600


def test_a_kind_has_thirty_lines_on_average() -> None:
    text = (ROOT / "vaezoo" / "registry" / "component_kinds.py").read_text("utf-8")
    assert len(text.splitlines()) < 30 * len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_fits_on_a_screen(kind: str) -> None:
    assert len(inspect.getsource(KINDS[kind]).splitlines()) < 60
