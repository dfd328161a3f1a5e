"""Run the checks of a plugin without pytest, for ``vaezoo plugins check``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vaezoo.registry import Component
from vaezoo.testing.conformance.component_checks import ComponentConformance, default_of
from vaezoo.testing.conformance.kinds import BY_KIND
from vaezoo.testing.conformance.kit import Conformance
from vaezoo.testing.conformance.outcome import Declined, NotApplicable, is_optional
from vaezoo.testing.conformance.plugin_checks import PluginConformance
from vaezoo.testing.conformance.target import PluginTarget, targets


class CheckOutcome(StrEnum):
    PASSED = "pass"
    FAILED = "FAIL"
    #: An optional check failed.
    DECLINED = "no"
    SKIPPED = "skip"


@dataclass(frozen=True)
class Result:
    """The result of one check of one subject; ``cause`` says why it did not pass."""

    subject: str
    check: str
    outcome: CheckOutcome
    cause: str = ""
    optional: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class CheckedComponent:
    """A plugin or component, and its checks."""

    name: str
    conformance: Conformance


@dataclass(frozen=True)
class Options:
    """``strict``: optional checks count. ``native``: also compile with the inductor backend."""

    strict: bool = False
    native: bool = False


def check_plugin(
    reference: str, *, extra: Sequence[str] = (), options: Options | None = None
) -> Iterator[Result]:
    """Check a distribution, a plugin or a file; yield the result of each check.

    >>> failed = [r for r in check_plugin("my_plugin.py") if r.outcome is CheckOutcome.FAILED]

    Raises PluginError (VZ304) for an unknown plugin.
    """
    for target in targets(reference, extra):
        for subject in subjects(target, options or Options()):
            if isinstance(subject, Result):
                yield subject
            else:
                yield from run_checks(subject)


def subjects(target: PluginTarget, options: Options) -> Iterator[CheckedComponent | Result]:
    """The plugin, then each component; a result for one that cannot be created."""
    whole = _OfTarget(target)
    whole.strict = options.strict
    yield CheckedComponent(f"plugin {target.plugin.name}", whole)
    for component in target.components:
        name = f"{component.kind} {component.use}"
        try:
            yield CheckedComponent(name, _held(component, target, options))
        except NotApplicable as reason:
            yield Result(name, "made with its defaults", CheckOutcome.SKIPPED, str(reason))
        except Exception as error:  # its validators may raise anything
            yield Result(name, "made with its defaults", CheckOutcome.FAILED, _in_a_line(error))


def run_checks(subject: CheckedComponent) -> Iterator[Result]:
    """Run the checks of a subject; yield each result."""
    for check in type(subject.conformance).checks():
        began = time.perf_counter()
        outcome, cause = _outcome(subject.conformance, check)
        yield Result(
            subject.name,
            check.removeprefix("test_").replace("_", " "),
            outcome,
            cause,
            is_optional(getattr(type(subject.conformance), check)),
            time.perf_counter() - began,
        )


class _OfTarget(PluginConformance):
    """The checks of a plugin that has already been found."""

    def __init__(self, target: PluginTarget) -> None:
        self._target = target

    @property
    def target(self) -> PluginTarget:
        return self._target


def _held(
    component: type[Component], target: PluginTarget, options: Options
) -> ComponentConformance:
    conformance = BY_KIND[component.kind]()
    conformance.component = default_of(component, target.registry)
    conformance.strict = options.strict
    conformance.native = options.native
    return conformance


def _outcome(conformance: Conformance, check: str) -> tuple[CheckOutcome, str]:
    try:
        getattr(conformance, check)()
    except Declined as reason:
        return CheckOutcome.DECLINED, str(reason)
    except NotApplicable as reason:
        return CheckOutcome.SKIPPED, str(reason)
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        return CheckOutcome.FAILED, _in_a_line(error)
    return CheckOutcome.PASSED, ""


def _in_a_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, AssertionError) and text:
        return text
    return f"{type(error).__name__}: {text}"
