"""A plugin that records the start and end of each epoch as a line of JSON."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from vaezoo import EpochRecord, RunInfo, hookimpl


@hookimpl
def vaezoo_run_started(run: RunInfo) -> None:
    tell(at="started")


@hookimpl
def vaezoo_epoch_finished(run: RunInfo, record: EpochRecord) -> None:
    tell(at="epoch", seconds=record.seconds)


def tell(**event: Any) -> None:
    with open(os.environ["VAEZOO_BENCHMARK_CLOCK"], "a") as file:
        file.write(json.dumps({**event, "time": time.time()}) + "\n")
