"""Training: a spec and its data in, a trained model and its history out."""

from vaezoo.training.distributed.process_group import joined
from vaezoo.training.loop import Trained, train
from vaezoo.training.observer import Observer
from vaezoo.training.plugin_hooks import HookedObserver
from vaezoo.training.run_lock import claimed

__all__ = ["HookedObserver", "Observer", "Trained", "claimed", "joined", "train"]
