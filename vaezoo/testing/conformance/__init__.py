"""The conformance kit: what every plugin promises, checked.

``vaezoo.testing`` gives these checks to pytest; ``vaezoo plugins check`` runs them without it.
A check is a method ``test_…`` of a ``Conformance`` class. It returns, or raises: ``Nonconforming``
where the promise is broken, ``NotApplicable`` where there is nothing to check.
"""

from vaezoo.testing.conformance.outcome import Declined, Nonconforming, NotApplicable

__all__ = ["Declined", "Nonconforming", "NotApplicable"]
