"""Figures that are added to an entry after its run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.files import write_whole
from vaezoo.folders import PARTIAL, refuse_link, refuse_unknown
from vaezoo.registry import Figure
from vaezoo.zoo import entry as layout
from vaezoo.zoo.card import card
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.places import ENTRY, TRASH, trash_path
from vaezoo.zoo.publish import metrics_text, write_text
from vaezoo.zoo.swap import replace, sync_folder
from vaezoo.zoo.writing import explained, open_for_writing, staged_entry
