"""Training: a spec and its data in, a trained model and its history out."""

from vaezoo.training.claim import claimed
from vaezoo.training.hooks import HookedObserver
from vaezoo.training.loop import Trained, train
from vaezoo.training.observer import Observer
from vaezoo.training.together import joined

__all__ = ["HookedObserver", "Observer", "Trained", "claimed", "joined", "train"]
