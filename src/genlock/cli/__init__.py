"""The command line: ``genlock COMMAND``. It reads options, shows progress and prints; it knows no algorithm."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from genlock.cli.arguments import run_commands
from genlock.cli.files import align, demo, export, features, prepare, probe, sync, words
from genlock.cli.models import models
from genlock.cli.named import NAMED, bench, synth, train
from genlock.cli.running import say
from genlock.core.errors import GenlockError

__all__ = ["main"]

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "align": align,
    "sync": sync,
    "probe": probe,
    "words": words,
    "features": features,
    "models": models,
    "demo": demo,
    "prepare": prepare,
    "export": export,
    "train": train,
    "synth": synth,
    "bench": bench,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 2 for bad input, 130 when interrupted."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given and given[0] in NAMED and len(given) > 1 and not given[1].startswith("-"):
            NAMED[given[0]](given[1], given[2:])
        else:
            run_commands(_COMMANDS, "genlock", "Sound and picture of a video on one exact clock.", given)
    except GenlockError as error:
        say(f"genlock: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        say("genlock: interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`: nothing to tell anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
