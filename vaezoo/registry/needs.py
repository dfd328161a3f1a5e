"""Where a dataset lies, and what metrics and visualizers need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from vaezoo.registry.contracts import DataFacts
    from vaezoo.spec.spec import Spec


class HasLocation(BaseModel):
    """A dataset, by where its files lie."""

    #: the name of the field that says where the files lie, so that errors can name it
    location: ClassVar[str | None] = None


class NeedsData(BaseModel):
    """A metric or visualizer, by what it needs of the data."""

    #: some of "images", "labels" and "classifier"
    needs: ClassVar[tuple[str, ...]] = ("images",)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        """Why it cannot be had of such data, if so, in one sentence. By default ``needs`` says.

        A run asks before it trains, and refuses a spec with a metric or picture that cannot be
        had.
        """
        return data.lacking(self.needs)
