"""What holds for every test."""

import os
import shutil
import signal
from pathlib import Path

import pytest

# The models of the tests are so small that a second thread costs more than it brings, and on a
# busy machine threads that wait for each other take many times as long. Set before torch is
# imported; the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what it runs in the background deaf to Ctrl-C, nohup to a hang-up, and children
# inherit that; so would the runs that tests stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with a copy of a shipped entry, of the form that this version writes. Copy it."""
    from vaezoo.evaluation.migrate import migrate
    from vaezoo.zoo import find

    name, zoo = "mnist_mlp20", tmp_path_factory.mktemp("current")
    shutil.copytree(find(name).path, zoo / name)
    migrate(zoo / name)
    return zoo
