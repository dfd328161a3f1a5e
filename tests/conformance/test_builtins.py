"""Every built-in component passes the conformance kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vaezoo.components import vaezoo_components
from vaezoo.components.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vaezoo.registry import Component, discover
from vaezoo.testing import LikelihoodConformance, PluginConformance
from vaezoo.testing.conformance.component_checks import default_of
from vaezoo.testing.conformance.kinds import BY_KIND
from vaezoo.testing.conformance.outcome import NotApplicable

#: their data are not here; they are checked on files of their form in tests/components/datasets
ELSEWHERE = {"kmnist", "qmnist", "emnist", "cifar10", "svhn", "image_folder"}
OWN = [c for c in vaezoo_components() if not (c.kind == "dataset" and c.use in ELSEWHERE)]


#: Checks that draw or optimize for seconds.
SLOW = {
    "test_other_models",
    "test_same_context_same_result",
    "test_touches_nothing_global",
    "test_trend_with_samples",
    "test_without_history",
    "test_without_labels",
}


def promises() -> list[Any]:
    """Each check of each component."""
    return [
        pytest.param(
            component,
            check,
            id=f"{component.kind}-{component.use}-{check}",
            marks=[pytest.mark.slow] if check in SLOW else [],
        )
        for component in OWN
        for check in BY_KIND[component.kind].checks()
    ]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The shipped images are unpacked once, and not into the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEZOO_CACHE", str(folder))
        yield folder


@pytest.mark.parametrize(("component", "check"), promises())
def test_a_built_in_component_conforms(component: type[Component], check: str) -> None:
    conformance = BY_KIND[component.kind]()
    conformance.component = default_of(component, discover())
    getattr(conformance, check)()


class TestVaezoo(PluginConformance):
    plugin = "vaezoo"


class TestBernoulli(LikelihoodConformance):
    component = Bernoulli()
    support = "binary"


class TestContinuousBernoulli(LikelihoodConformance):
    component = ContinuousBernoulli()
    support = "unit"


class TestGaussian(LikelihoodConformance):
    component = Gaussian()
    support = "real"


def test_what_is_checked_elsewhere_is() -> None:
    """Every other component is among ``promises``, so none goes without a test."""
    tests = Path(__file__).parent.parent / "components" / "datasets"
    text = "".join(path.read_text("utf-8") for path in tests.glob("test_*.py"))
    names = {c.use: c.__name__ for c in vaezoo_components() if c.kind == "dataset"}
    assert set(names) >= ELSEWHERE
    assert [use for use in ELSEWHERE if names[use] not in text] == []


def test_a_component_without_defaults_is_passed_over() -> None:
    folder = next(c for c in vaezoo_components() if c.use == "image_folder")
    with pytest.raises(NotApplicable, match="path must be given"):
        default_of(folder, discover())
