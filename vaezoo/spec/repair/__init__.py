"""Repairing specs: what is safe to put right in the text itself, leaving all else byte for byte."""

from vaezoo.spec.repair.repair_spec import Repair, repair

__all__ = ["Repair", "repair"]
