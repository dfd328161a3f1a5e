"""A new plugin works as it is: its own tests pass, its spec trains."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.scaffold.installed import Environment
from vaezoo.registry import KINDS
from vaezoo.registry.scaffold import Created, new_plugin


def installed(environment: Environment, name: str, *kinds: str, hooks: bool = False) -> Created:
    created = new_plugin(name, kinds=kinds, hooks=hooks, directory=environment.folder)
    environment.install(created.folder)
    return created


def trained(environment: Environment, created: Created, *overrides: str) -> str:
    """What the last command of those that are shown prints, with ``overrides`` too."""
    _, *command = shlex.split(created.commands[-1])
    return environment.vaezoo(*command, *(word for one in overrides for word in ("--set", one)))


def own_tests(environment: Environment, created: Created) -> str:
    """What the plugin's own tests print."""
    return environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", created.folder.name)


@pytest.mark.slow
def test_an_encoder_passes_its_own_tests(environment: Environment) -> None:
    created = installed(environment, "vaezoo-mine", "encoder")
    assert "warning" not in own_tests(environment, created)


def test_an_encoder_trains(environment: Environment, few_clothes: Path) -> None:
    created = installed(environment, "vaezoo-mine", "encoder")
    told = trained(environment, created, f"dataset.root={few_clothes}")
    assert "540 training images of fashion_mnist, for 1 epoch" in told
    assert "warning" not in told
    assert (environment.folder / "zoo" / "mine" / "model.safetensors").is_file()


@pytest.mark.slow
def test_all_kinds_and_hooks_in_one_package(environment: Environment) -> None:
    created = installed(environment, "vaezoo-every", *KINDS, hooks=True)
    assert "warning" not in own_tests(environment, created)
    told = trained(environment, created)
    assert "1,843 training images of every, for 1 epoch" in told
    assert "warning" not in told
    entry = environment.folder / "zoo" / "every"
    assert "every_error" in (entry / "metrics.json").read_text("utf-8")
    assert (entry / "figures" / "every.png").is_file()
    assert environment.vaezoo("every-journal", "every").startswith("epoch 1: training ELBO ")


TRAIN_EACH = """\
import sys, vaezoo
for path in sys.argv[2:]:
    own = [] if path.endswith("a_dataset.yaml") else [f"dataset.root={sys.argv[1]}"]
    entry = vaezoo.run(path, device="cpu", overrides=["train.epochs=1", *own])
    print(entry.name, "loads:", tuple(entry.load().sample(2).shape))
"""


@pytest.mark.slow
def test_each_kind_on_its_own_trains(environment: Environment, few_clothes: Path) -> None:
    """Thirteen packages beside each other: one of each kind, and one with nothing but hooks."""
    packages = [installed(environment, f"vaezoo-a-{kind}", kind) for kind in KINDS]
    packages.append(installed(environment, "vaezoo-a-hooks", hooks=True))
    specs = [str(next(package.folder.glob("specs/*.yaml"))) for package in packages]
    train = ("-W", "error", "-c", TRAIN_EACH, str(few_clothes))
    told = "".join(
        environment.python(*train, *specs[at : at + 3]) for at in range(0, len(specs), 3)
    )
    assert told.count("loads: (2, 1, ") == len(packages) == 13
    assert (environment.folder / "journals" / "a_hooks.jsonl").is_file()
