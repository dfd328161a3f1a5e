"""``main``: runs a command and turns whatever it ends in into a message and an exit code.

Nothing that takes time is imported at the top: Ctrl-C is listened to before.
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

#: The exit codes that ``main`` itself decides on; errors of vaezoo have theirs.
_FAILED, _INTERRUPTED = 3, 130
_HOMELESS = "determine home directory"
#: What the system answers for reasons that lie outside vaezoo.
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_CANNOT_OPEN = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code.

    0 all well; 1 findings; 2 wrong usage; 3 a run or an entry failed; 130 interrupted.
    """
    # a process that goes on after the command is to hear Ctrl-C again
    goes_on = nullcontext() if arguments is None else interrupts.ctrl_c_restored()
    with goes_on, interrupts.ctrl_c_raised() as ctrl_c, interrupts.requests_to_end_raised():
        try:
            code = _command(arguments, ctrl_c)
        except KeyboardInterrupt:  # a second one, while the first was being dealt with
            interrupts.ignore_ctrl_c()
            code = _INTERRUPTED
        if arguments is None:  # this process ends here, whose libraries take a moment for it
            interrupts.ignore_ctrl_c()
    sys.exit(code)


def _command(arguments: list[str] | None, ctrl_c: CtrlC) -> int:
    try:
        from vaezoo.cli.streams import steady
    except KeyboardInterrupt:
        return _INTERRUPTED
    with steady():
        given = sys.argv[1:] if arguments is None else arguments
        return _unless_lost(_ended(given, ctrl_c))


def _ended(arguments: list[str], ctrl_c: CtrlC) -> int:
    """Run the command; the code that its end stands for, once the user was told."""
    # matplotlib and what draws with it look here; a notebook's value fits only its own process
    os.environ["MPLBACKEND"] = "agg"
    try:
        import click

        from vaezoo.cli.commands import cli
        from vaezoo.cli.notices import findings_shown
        from vaezoo.diagnostics import Interrupted

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
            return _interrupted("interrupted")  # some library has made another error of it
        return _failed(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else 0


def _failed(error: Exception, *, debug: bool) -> int:
    from vaezoo.diagnostics import Interrupted, VaezooError
    from vaezoo.system.out_of_memory import explained
    from vaezoo.system.torchrun import let_the_first_speak

    if isinstance(error, Interrupted):
        return _interrupted(f"interrupted: {error.diagnostics[0].hint}")
    error = _of_the_system(explained(error))
    if isinstance(error, VaezooError):
        let_the_first_speak()
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
    """The error, or a finding in place of one that is the system's answer and nobody's fault."""
    from vaezoo.diagnostics import Diagnostic, RunError

    if isinstance(error, RuntimeError) and _HOMELESS in str(error):  # of pathlib's expanduser
        hint = "set HOME, or write the path without ~"
        return RunError(Diagnostic("VZ101", "the home folder is not known", hint=hint))
    if not isinstance(error, OSError) or error.errno not in (*_CANNOT_WRITE, *_CANNOT_OPEN):
        return error
    place = f"{error.filename} cannot be used: " if error.filename else "the system refused: "
    code = "VZ503" if error.errno in _CANNOT_WRITE else "VZ101"
    hint = "make room, raise the limit, or choose another place, then give the command again"
    return RunError(Diagnostic(code, f"{place}{error.strerror}", hint=hint))


def _require_folder() -> None:
    """Raise click's UsageError where the folder that the command was given in is gone."""
    import click

    try:
        os.getcwd()
    except OSError as error:
        raise click.UsageError(
            f"the working directory cannot be used: {error.strerror}; "
            "change to a folder that exists"
        ) from None


def _interrupted(text: str) -> int:
    interrupts.ignore_ctrl_c()
    _say(text)
    return _INTERRUPTED


def _unless_lost(code: int) -> int:
    """The code, or that of a failure where the output could not be written."""
    from vaezoo.cli.streams import lost
    from vaezoo.diagnostics import Diagnostic

    sys.stdout.flush()
    error = lost()
    if error is None:
        return code
    message = f"standard output cannot be written: {error.strerror}"
    _show(Diagnostic("VZ503", message, hint="make room, or send it elsewhere"))
    return code or _FAILED


def _show(*findings: Diagnostic) -> None:
    from vaezoo.diagnostics.output import render

    _say(render(findings, color=sys.stderr.isatty()))


def _say(text: str) -> None:
    import click

    click.echo(text, err=True)
