"""Training: from a spec and its data to a trained model and its history."""

from vaezoo.training.distributed.process_group import joined
from vaezoo.training.elbo_agreement import elbo_notes
from vaezoo.training.fit_sampler import fit_sampler
from vaezoo.training.loop import Trained, train
from vaezoo.training.observer import Observer
from vaezoo.training.plugin_hooks import HookedObserver
from vaezoo.training.prepare import load_for_training
from vaezoo.training.resume_hint import interruption_explained
from vaezoo.training.run_lock import claimed, remove_run_folder

__all__ = [
    "HookedObserver",
    "Observer",
    "Trained",
    "claimed",
    "elbo_notes",
    "fit_sampler",
    "interruption_explained",
    "joined",
    "load_for_training",
    "remove_run_folder",
    "train",
]
