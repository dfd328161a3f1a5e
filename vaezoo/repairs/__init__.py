"""Repairing specs: what is safe to put right in the text itself, leaving all else byte for byte."""

from vaezoo.repairs.repair import Repair, repair

__all__ = ["Repair", "repair"]
