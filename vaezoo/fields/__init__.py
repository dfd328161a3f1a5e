"""Types for the fields of components: schedules, activations, initialisers, binarisation."""

from vaezoo.fields.activation import Activation
from vaezoo.fields.binarization import Binarization
from vaezoo.fields.initializer import Initializer
from vaezoo.fields.schedule import NonNegative, Positive, Schedule, value_at

__all__ = [
    "Activation",
    "Binarization",
    "Initializer",
    "NonNegative",
    "Positive",
    "Schedule",
    "value_at",
]
