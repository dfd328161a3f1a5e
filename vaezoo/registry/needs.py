"""The location of a dataset, and the data that metrics and visualizers need."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from vaezoo.registry.contracts import DataFacts
    from vaezoo.spec.spec import Spec


class HasLocation(BaseModel):
    """The location of a dataset's files."""

    #: the field with the location of the files, for error messages
    location: ClassVar[str | None] = None


class NeedsData(BaseModel):
    """The data that a metric or visualizer needs."""

    #: some of "images", "labels" and "classifier"
    needs: ClassVar[tuple[str, ...]] = ("images",)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        """Why it does not work on such data, in one sentence, else None. By default by ``needs``.

        A run calls it before training and rejects the spec if it returns a reason.
        """
        return data.lacking(self.needs)
