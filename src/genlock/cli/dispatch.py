"""Runs the command that a command line names, and turns its errors into words and an exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

from genlock.cli.arguments import run_command
from genlock.cli.help import QUIET
from genlock.cli.running import quietly, say
from genlock.cli.table import COMMANDS, OF_PLUGINS
from genlock.core.errors import GenlockError, MissingModel, OptionError
from genlock.core.plugins import did_you_mean

__all__ = ["run"]


class _Stopped(KeyboardInterrupt):
    """A batch queue or a container ends this process; it leaves as if someone had pressed Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the work, so that whatever is half-written goes away."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stopped(number)

    wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        wanted = []
    # A signal that whoever started us has told to be ignored (nohup) stays ignored.
    before = {number: signal.getsignal(number) for number in wanted}
    taken = [number for number in wanted if before[number] == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _call(given: Sequence[str]) -> None:
    name, *words = given
    if name in OF_PLUGINS and words and not words[0].startswith("-"):
        import_module(COMMANDS[name].module).NAMED[name](words[0], words[1:])
        return
    if name not in COMMANDS:
        known = list(COMMANDS)
        raise OptionError(
            f"there is no command {name!r}; genlock --help lists them{did_you_mean(name, known)}"
        )
    # A file whose name begins with a dash (a video's public id) is no option.
    words = [
        f"./{word}" if word[0:1] == "-" and "." in word and os.path.isfile(word) else word for word in words
    ]
    run_command(getattr(import_module(COMMANDS[name].module), name), f"genlock {name}", words)


def _call_fetching(given: Sequence[str]) -> None:
    """Call a command, again after each model that it lacked and that somebody at the terminal wanted fetched."""
    fetched: set[str] = set()
    while True:
        try:
            return _call(given)
        except MissingModel as error:
            names = (error.fetch or "").split()
            if not names or fetched.issuperset(names) or not _wanted(error):
                raise
            for name in names:
                say(str(import_module("genlock.cli.models").fetch_named(name)))
            fetched.update(names)


def _wanted(error: MissingModel) -> bool:
    """Whether a person at a terminal says yes to fetching what is missing; no one is asked elsewhere."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(f"genlock: {error}")
    sys.stderr.write("Fetch it now? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def run(given: Sequence[str]) -> int:
    """Call a command, named by the first word; returns the exit status."""
    try:
        quiet = QUIET in given
        given = [word for word in given if word != QUIET]
        with _stopped_cleanly(), quietly(quiet):
            _call_fetching(given)
    except GenlockError as error:
        say(f"genlock: {error}")
        return error.exit_status
    except _Stopped as stop:
        say(f"genlock: ended by {stop}; nothing was left half-written")
        return 128 + stop.number
    except KeyboardInterrupt:
        say("genlock: interrupted; nothing was left half-written")
        return 130
    return 0
