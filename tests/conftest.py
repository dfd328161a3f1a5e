"""What holds for every test."""

import os
import signal

# The models of the tests are so small that a second thread costs more than it brings, and on a
# busy machine threads that wait for each other take many times as long. Set before torch is
# imported; the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what it runs in the background deaf to Ctrl-C, and children inherit that; so would
# the runs that tests stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
