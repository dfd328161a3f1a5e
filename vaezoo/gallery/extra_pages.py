"""Pages about an entry that other rooms make, beside its page in a gallery.

Each is optional, since it loads the model and takes seconds. One that fails is named on the
entry's page, and the gallery goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, Severity, UsageError, VaezooError, suggest, warn
from vaezoo.zoo import Entry


@dataclass(frozen=True)
class ExtraPage:
    """A kind of page: its name for ``--with``, its title, and what makes its HTML.

    ``make`` returns None for an entry that has no such page, and raises if it fails.
    """

    name: str
    title: str
    make: Callable[[Entry], str | None]

    @property
    def file(self) -> str:
        """Its file name beside the entry's page."""
        return f"{self.name}.html"


@dataclass(frozen=True)
class MadePages:
    """The HTML of an entry's extra pages by kind, and why others could not be made, by title."""

    pages: dict[ExtraPage, str]
    failures: dict[str, str]


def report_page(entry: Entry) -> str:
    """The page of ``vaezoo report``."""
    from vaezoo.registry import discover
    from vaezoo.reports.html import to_html
    from vaezoo.reports.one_entry import report_of
    from vaezoo.reports.subject import subject

    return to_html(report_of(subject(entry.path, None, "cpu", discover())))


def explorer_page(entry: Entry) -> str:
    """The page of ``vaezoo explore``."""
    from vaezoo.explorer.write_explorer import page_of
    from vaezoo.registry import discover

    return page_of([entry], discover()).html


EXTRA_PAGES = (
    ExtraPage("explorer", "Explorer", explorer_page),
    ExtraPage("report", "Report", report_page),
)


def chosen_pages(names: Sequence[str]) -> tuple[ExtraPage, ...]:
    """The kinds of these names. Raises UsageError (VZ504) for an unknown one."""
    known = {page.name: page for page in EXTRA_PAGES}
    for name in names:
        if name not in known:
            hint = suggest(name, list(known), "pages")
            raise UsageError(Diagnostic("VZ504", f"there is no page {name!r}", hint=hint))
    return tuple(page for page in EXTRA_PAGES if page.name in names)


def made_pages(entry: Entry, kinds: Sequence[ExtraPage]) -> MadePages:
    """Make the pages of an entry. Warns (VZ502) of each that fails."""
    made = MadePages({}, {})
    for kind in kinds:
        try:
            page = kind.make(entry)
        except Exception as error:  # a plugin's component may raise anything
            made.failures[kind.title] = reason = _reason(error)
            message = f"{entry.name} has no page {kind.name!r}: {reason}"
            hint = "the gallery is complete without it"
            warn(Diagnostic("VZ502", message, hint=hint, severity=Severity.WARNING))
        else:
            if page is not None:
                made.pages[kind] = page
    return made


def _reason(error: Exception) -> str:
    if isinstance(error, VaezooError):
        return error.diagnostics[0].message
    return f"{type(error).__name__}: {error}"
