"""Conformance checks of plugins and components.

``vaezoo.testing`` provides them to pytest; ``vaezoo plugins check`` runs them without it. A check
is a method ``test_…`` of a ``Conformance`` class. It raises ``Nonconforming`` if the plugin fails,
``NotApplicable`` if there is nothing to check.
"""

from vaezoo.testing.conformance.outcome import Declined, Nonconforming, NotApplicable

__all__ = ["Declined", "Nonconforming", "NotApplicable"]
