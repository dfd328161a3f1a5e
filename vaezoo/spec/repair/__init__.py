"""Repair specs: edit their text where that is safe, and leave all other bytes unchanged."""

from vaezoo.spec.repair.repair_spec import Repair, repair

__all__ = ["Repair", "repair"]
