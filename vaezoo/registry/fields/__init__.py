"""Types for the fields of components: schedules, activations, initializers, binarization."""

from vaezoo.registry.fields.activation import Activation
from vaezoo.registry.fields.binarization import Binarization
from vaezoo.registry.fields.initializer import Initializer
from vaezoo.registry.fields.schedule import NonNegative, Positive, Schedule, value_at

__all__ = [
    "Activation",
    "Binarization",
    "Initializer",
    "NonNegative",
    "Positive",
    "Schedule",
    "value_at",
]
