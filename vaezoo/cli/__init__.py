"""The command line: one file a command, each a thin shell over a function of the package."""

from vaezoo.cli.main import main

__all__ = ["main"]
