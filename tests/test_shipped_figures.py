"""Every shipped entry, taken anew: its figures must be those that it records."""

from __future__ import annotations

import warnings

import pytest

import vaezoo
from vaezoo.diagnostics import DiagnosticWarning
from vaezoo.zoo.search import shipped_folder

NAMES = sorted(path.name for path in shipped_folder().iterdir() if (path / "README.md").is_file())


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_that_ships_is_what_it_says(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiagnosticWarning)
        # one draw of z keeps this short; 'vaezoo verify --all' takes as many as were recorded
        verdict = vaezoo.verify(shipped_folder() / name, samples=1)
    assert verdict.passed, [check for check in verdict.checks if not check.passed]
