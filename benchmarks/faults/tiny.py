"""A zoo for fault tests: one tiny model on 24 tiny images, in entries of a few kilobytes.

The module is a plugin with the dataset. ``World`` publishes, restores, prunes, records and runs in
the current folder, and checks that its content is complete.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from vaezoo import Dataset, ImageData, ImageShape, Split, hookimpl
from vaezoo.diagnostics import VaezooError
from vaezoo.evaluation.evaluate_entry import evaluate
from vaezoo.evaluation.migrate import migrate
from vaezoo.model import VAE, build
from vaezoo.registry import Figure, Registry, new_registry
from vaezoo.registry.discovery import Choice
from vaezoo.runs.run import run
from vaezoo.spec import Spec, from_data
from vaezoo.zoo import Entry, find, make_lock
from vaezoo.zoo.entry import CARD, HISTORY
from vaezoo.zoo.manifest import Manifest, differences, read_manifest
from vaezoo.zoo.predecessors import predecessors
from vaezoo.zoo.publish import publish
from vaezoo.zoo.restore import prunable, prune, restore

NAME = "tiny"
ZOO = Path("zoo")
#: seed of the images
DIGEST = hashlib.sha256(b"stripes").hexdigest()
_PICTURE = b"\x89PNG\r\n\x1a\n"


class Stripes(Dataset, use="faults_stripes"):
    """Gray 4 × 4 images with one bright row each."""

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 4, 4)

    def build(self) -> ImageData:
        images = torch.full((24, 1, 4, 4), 20, dtype=torch.uint8)
        for number, image in enumerate(images):
            image[:, number % 4] += 200
        split = Split(images, torch.arange(24) % 4)
        return ImageData(split, split, ("a", "b", "c", "d"), digest=DIGEST)


@hookimpl
def vaezoo_components() -> list[type]:
    return [Stripes]


@dataclass(frozen=True)
class Found:
    """The contents of a zoo: the digest of each complete entry, or None."""

    entry: str | None
    previous: Counter[str]


class Torn(Exception):
    """Something in the zoo is incomplete."""


class World:
    """The commands, each always with the same inputs."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        # the module that runs as a script is not the one that the plugin imports
        self.registry: Registry = new_registry(Choice((str(Path(__file__)),)))

    @cached_property
    def spec(self) -> Spec:
        net = {"use": "mlp", "hidden": [4]}
        return from_data(
            {
                "vaezoo": 1,
                "name": NAME,
                "dataset": "faults_stripes",
                "model": {"latent": 2, "encoder": net, "decoder": net},
                "train": {"epochs": 3, "batch_size": 8, "validation": 0.25},
                "metrics": ["elbo"],
                "visualizers": [],
            },
            self.registry,
        )

    @cached_property
    def lock(self) -> dict[str, Any]:
        return make_lock(
            self.spec, self.registry, device="cpu", precision="float32", dataset_digest=DIGEST
        )

    def publish(self, seed: int) -> Entry:
        """The untrained model, initialized with a seed."""
        figure = Figure(
            "elbo", -10.0 - seed, "nats per example", "test", "bernoulli", "none", 1, 24, 0.25
        )
        return publish(
            self.spec,
            self.model(seed),
            lock=self.lock,
            figures=[figure],
            pictures={"samples.png": _PICTURE + str(seed).encode()},
        )

    def run(self, *, fresh: bool = False) -> Entry:
        """Train and publish."""
        return run(self.spec, registry=self.registry, device="cpu", compile="off", fresh=fresh)

    def record(self) -> None:
        """Evaluate again and record the figures in the entry."""
        evaluate(NAME, record=True, registry=self.registry)

    def migrate(self) -> Entry:
        """Migrate the entry to another summary, which evaluates it again."""
        path = Path("summary.yaml")
        path.write_text(json.dumps({**self.spec.canonical(), "summary": "Stripes."}), "utf-8")
        return migrate(NAME, spec=path, registry=self.registry).entry

    def restore(self) -> Entry:
        return restore(NAME)

    def prune(self) -> int:
        """Prune replaced entries; their number."""
        return len(prune(prunable()))

    def load(self) -> VAE:
        return find(NAME).load(self.registry)

    def sample(self) -> torch.Tensor:
        return self.load().sample(2, seed=0)

    def model(self, seed: int) -> VAE:
        return build(self.spec, seed=seed)

    def look(self) -> Found:
        """The contents of the zoo. Raises Torn for anything incomplete."""
        try:
            entry = find(NAME)
        except VaezooError:
            return Found(None, self._previous())
        if not str(entry.path).startswith(f"{ZOO}/"):
            raise Torn(f"the entry was found at {entry.path}")
        return Found(self._digest(entry), self._previous())

    def _previous(self) -> Counter[str]:
        several = predecessors(ZOO) if ZOO.is_dir() else []
        return Counter(self._digest(Entry(one.path, one.name)) for one in several)

    def _digest(self, entry: Entry) -> str:
        try:
            entry.load(self.registry)
            manifest = read_manifest(entry)
            wrong = differences(entry, manifest)
        except VaezooError as error:
            raise Torn(f"{entry.path}: {error}") from error
        if wrong:
            raise Torn(f"{entry.path}: {wrong}")
        return _essence(entry, manifest)


def _essence(entry: Entry, manifest: Manifest) -> str:
    """A digest of an entry without the seconds of its run."""
    timed = {HISTORY, CARD}
    files = {name: one["sha256"] for name, one in manifest.files.items() if name not in timed}
    history = [
        dataclasses.replace(record, seconds=0.0, images_per_second=0.0) for record in entry.history
    ]
    return hashlib.sha256(repr((files, history)).encode()).hexdigest()[:16]
