"""Settings and fixtures of every test."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A property holds on a busy machine too.
settings.register_profile(
    "any load", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any load")

# The models of the tests are small: a second thread costs more time than it saves. Set this before
# torch is imported. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests that draw import matplotlib, which refuses to load if a backend that Jupyter exports is
# not installed.
os.environ["MPLBACKEND"] = "agg"

# A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Child processes
# would inherit this, and tests could not interrupt their runs.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with one shipped entry, migrated to the current format. Copy it before use."""
    from vaezoo.evaluation.migrate import migrate
    from vaezoo.zoo import find

    name, zoo = "mnist_mlp20", tmp_path_factory.mktemp("current")
    shutil.copytree(find(name).path, zoo / name)
    migrate(zoo / name)
    return zoo
