"""``vaezoo`` and ``python -m vaezoo``."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers know better; typing takes long to import

if TYPE_CHECKING:
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
