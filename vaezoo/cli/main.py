"""``main``: run a command; turn its errors into messages and exit codes.

Slow modules are imported only after Ctrl-C is handled.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

from vaezoo.diagnostics.printable import in_log
from vaezoo.system import interrupts

if TYPE_CHECKING:
    from vaezoo.diagnostics import Diagnostic
    from vaezoo.system.interrupts import CtrlC

#: Exit codes of ``main``. A VaezooError has its own.
_FAILED, _INTERRUPTED = 3, 130
#: Part of the error of pathlib's expanduser.
_HOMELESS = "determine home directory"
#: Errors of the system that are not faults of vaezoo.
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_CANNOT_OPEN = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code.

    0 all well; 1 findings; 2 wrong usage; 3 a run or an entry failed; 130 interrupted.
    """
    # a process that continues after the command gets its handler of Ctrl-C back
    restored = nullcontext() if arguments is None else interrupts.ctrl_c_restored()
    with restored, interrupts.ctrl_c_raised() as ctrl_c, interrupts.requests_to_end_raised():
        try:
            code = _command(arguments, ctrl_c)
        except KeyboardInterrupt:  # a second one, while the first was handled
            interrupts.ignore_ctrl_c()
            code = _INTERRUPTED
        if arguments is None:  # the process ends here; libraries need a moment to shut down
            interrupts.ignore_ctrl_c()
    sys.exit(code)


def _command(arguments: list[str] | None, ctrl_c: CtrlC) -> int:
    try:
        from vaezoo.cli.streams import steady
    except KeyboardInterrupt:
        return _INTERRUPTED
    with steady():
        given = sys.argv[1:] if arguments is None else arguments
        return _unless_lost(_run(given, ctrl_c))


def _run(arguments: list[str], ctrl_c: CtrlC) -> int:
    """Run the command, print its error, and return its exit code."""
    # matplotlib reads this; a value inherited from a notebook works only in the notebook's process
    os.environ["MPLBACKEND"] = "agg"
    try:
        import click

        from vaezoo.cli.commands import cli
        from vaezoo.cli.notices import findings_shown
        from vaezoo.diagnostics import Interrupted

        ctrl_c.raise_now()  # it waits for the end of an import
        _require_folder()
        with findings_shown():
            result: Any = cli.main(arguments, prog_name="vaezoo", standalone_mode=False)
    except KeyboardInterrupt:
        return _interrupted("interrupted")
    except Exception as error:
        if isinstance(error, click.exceptions.Exit):
            return error.exit_code
        if isinstance(error, click.Abort):
            return _interrupted("interrupted")
        if isinstance(error, click.ClickException):
            shown = io.StringIO()
            error.show(shown)
            _say(in_log(shown.getvalue()).rstrip())
            return error.exit_code
        if ctrl_c.was_raised and not isinstance(error, Interrupted):
            return _interrupted("interrupted")  # a library turned Ctrl-C into another error
        return _failed(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else 0


def _failed(error: Exception, *, debug: bool) -> int:
    from vaezoo.diagnostics import Interrupted, VaezooError
    from vaezoo.system.out_of_memory import explained
    from vaezoo.system.torchrun import let_first_process_report

    if isinstance(error, Interrupted):
        return _interrupted(f"interrupted: {error.diagnostics[0].hint}")
    error = _of_the_system(explained(error))
    if isinstance(error, VaezooError):
        let_first_process_report()
    if debug:
        raise error
    if isinstance(error, VaezooError):
        _show(*error.diagnostics)
        return error.exit_code
    _say(
        in_log(f"error: {type(error).__name__}: {error}") + "\n"
        "  help: this is a fault in vaezoo or a plugin; "
        "'vaezoo --debug …' shows where it happened"
    )
    return _FAILED


def _of_the_system(error: Exception) -> Exception:
    """Turn an error of the system, such as a full disk, into a RunError; others are unchanged."""
    from vaezoo.diagnostics import Diagnostic, RunError

    if isinstance(error, RuntimeError) and _HOMELESS in str(error):
        hint = "set HOME, or write the path without ~"
        return RunError(Diagnostic("VZ101", "the home folder is unknown", hint=hint))
    if not isinstance(error, OSError) or error.errno not in (*_CANNOT_WRITE, *_CANNOT_OPEN):
        return error
    path = f"cannot use {error.filename}: " if error.filename else "error of the system: "
    code = "VZ503" if error.errno in _CANNOT_WRITE else "VZ101"
    hint = "free disk space, raise the limit, or choose another folder, then run it again"
    return RunError(Diagnostic(code, f"{path}{error.strerror}", hint=hint))


def _require_folder() -> None:
    """Raise click's UsageError if the working directory was deleted."""
    import click

    try:
        os.getcwd()
    except OSError as error:
        raise click.UsageError(
            f"cannot use the working directory: {error.strerror}; change to a folder that exists"
        ) from None


def _interrupted(text: str) -> int:
    interrupts.ignore_ctrl_c()
    _say(text)
    return _INTERRUPTED


def _unless_lost(code: int) -> int:
    """The code, or that of a failure if stdout could not be written."""
    from vaezoo.cli.streams import lost
    from vaezoo.diagnostics import Diagnostic

    sys.stdout.flush()
    error = lost()
    if error is None:
        return code
    message = f"cannot write to standard output: {error.strerror}"
    _show(Diagnostic("VZ503", message, hint="free disk space, or redirect it elsewhere"))
    return code or _FAILED


def _show(*findings: Diagnostic) -> None:
    from vaezoo.diagnostics.output import render

    _say(render(findings, color=sys.stderr.isatty()))


def _say(text: str) -> None:
    import click

    from vaezoo.diagnostics.redact import redacted

    click.echo(redacted(text), err=True)
