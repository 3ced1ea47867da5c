"""The command line: ``genlock COMMAND``. It reads options, shows progress and prints; it knows no algorithm."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from genlock import __version__
from genlock.cli.arguments import run_commands
from genlock.cli.files import align, animate, demo, export, features, prepare, probe, sound, sync, words
from genlock.cli.models import models
from genlock.cli.plugin_commands import NAMED, bench, synth, train
from genlock.cli.running import say
from genlock.cli.studio import studio
from genlock.core.errors import GenlockError

__all__ = ["main"]

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "align": align,
    "sync": sync,
    "probe": probe,
    "words": words,
    "animate": animate,
    "sound": sound,
    "features": features,
    "models": models,
    "demo": demo,
    "prepare": prepare,
    "export": export,
    "train": train,
    "synth": synth,
    "bench": bench,
    "studio": studio,
}


_TITLE = "Sound and picture of a video on one exact clock."
_EXAMPLES = """
Three things to begin with:

  genlock align talk.mp4        words, features and offset of a video, and a report to look at
  genlock sync talk.mp4         is the sound in step with the picture?
  genlock words talk.mp4 -o talk.srt    subtitles

genlock COMMAND --help says what a command takes."""


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 2 for bad input, 130 interrupted, 143 terminated."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        with _stopped_cleanly():
            if given in (["--version"], ["-V"]):
                print(f"genlock {__version__}, Python {platform.python_version()}, {platform.platform()}")
            elif not given:
                with suppress(SystemExit):
                    run_commands(_COMMANDS, "genlock", _TITLE, ["--help"])
                print(_EXAMPLES)
            elif given[0] in NAMED and len(given) > 1 and not given[1].startswith("-"):
                NAMED[given[0]](given[1], given[2:])
            else:
                run_commands(_COMMANDS, "genlock", _TITLE, given)
    except GenlockError as error:
        say(f"genlock: {error}")
        return error.exit_status
    except _Stopped as stop:
        say(f"genlock: ended by {stop}; nothing was left half-written")
        return 128 + stop.number
    except KeyboardInterrupt:
        say("genlock: interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`: nothing to tell anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
