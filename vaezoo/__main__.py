"""``vaezoo`` and ``python -m vaezoo``."""

import sys
from typing import NoReturn

#: ``vaezoo.cli`` has it too, and is not imported yet.
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line, and end without a traceback if Ctrl-C comes before it listens."""
    try:
        from vaezoo.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
