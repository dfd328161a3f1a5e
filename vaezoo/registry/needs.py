"""What components need: the location of a dataset, data, and a spec that suits them."""

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


class SuitsSpec(BaseModel):
    """Whether a component can be used in a spec and with its data."""

    def problem(self, spec: Spec) -> str | None:
        """Why it does not suit such a spec, in one sentence, else None.

        Must be cheap, without torch. ``vaezoo validate`` shows it at the component's place.
        """
        return None

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        """Why it does not work on such data, in one sentence, else None.

        ``data.train`` counts the images that the model trains on. A run calls it before training
        and rejects the spec if it returns a reason.
        """
        return None


class NeedsData(BaseModel):
    """The data that a metric or visualizer needs."""

    #: some of "images", "labels" and "classifier"
    needs: ClassVar[tuple[str, ...]] = ("images",)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        """Why it does not work on such data, in one sentence, else None. By default by ``needs``.

        A run calls it before training and rejects the spec if it returns a reason.
        """
        return data.lacking(self.needs)
