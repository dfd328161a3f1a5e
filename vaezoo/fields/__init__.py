"""Types for the fields of components: schedules, activations, initialisers."""

from vaezoo.fields.activation import Activation
from vaezoo.fields.initializer import Initializer
from vaezoo.fields.schedule import NonNegative, Positive, Schedule, value_at

__all__ = ["Activation", "Initializer", "NonNegative", "Positive", "Schedule", "value_at"]
