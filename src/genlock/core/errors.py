"""Every error that Genlock raises on purpose, in one tree.

::

    GenlockError                  anything below; the message is for the person who meets it
    |-- InputError                what was given cannot be used (exit status 2)
    |   |-- MediaError            a file that cannot be opened, read or decoded
    |   |   `-- NoStream          the file has no such stream (no sound, no picture)
    |   |-- TranscriptError       a text or subtitle file that cannot be used
    |   |-- FormatError           a file of ours that is damaged, foreign or newer than we are
    |   `-- OptionError           an option outside its range, or two that exclude each other
    |-- ClockError                values that lie on different clocks or grids were combined
    |-- OutputError               the result could not be written (exit status 2)
    |-- MissingModel              a model file is not on this machine; says how to get it (exit status 2)
    |-- MissingDependency         an optional package is not installed; says how (exit status 2)
    |-- TrainingError             a training run that cannot go on; its last checkpoint stays (exit status 2)
    `-- PluginError               a registered plugin is broken; says where it comes from

A message repeats what was given, says what is wrong with it and what to do about it.
"""

from __future__ import annotations

__all__ = [
    "ClockError",
    "FormatError",
    "GenlockError",
    "InputError",
    "MediaError",
    "MissingDependency",
    "MissingModel",
    "NoStream",
    "OptionError",
    "OutputError",
    "PluginError",
    "TrainingError",
    "TranscriptError",
]


class GenlockError(Exception):
    """Root of the tree: catch this to catch everything that Genlock raises on purpose.

    >>> issubclass(MediaError, GenlockError)
    True
    """

    #: Exit status of the command line when this error ends it.
    exit_status: int = 2


class InputError(GenlockError, ValueError):
    """What was given cannot be used."""


class MediaError(InputError):
    """A media file cannot be opened, read or decoded."""


class NoStream(MediaError):
    """A media file has no stream of the kind that was asked for."""


class TranscriptError(InputError):
    """A transcript or subtitle file cannot be used."""


class FormatError(InputError):
    """A file of ours is damaged, is not ours, or was written by a newer version."""


class OptionError(InputError):
    """An option lies outside its range, or two options exclude each other."""


class ClockError(GenlockError, ValueError):
    """Values on different clocks, or on incompatible grids, were combined without a Warp."""


class OutputError(GenlockError, OSError):
    """A result could not be written; nothing is left half-written."""


class MissingModel(GenlockError):
    """A model file is not on this machine. The message says in one line how to get it."""

    fetch: str | None = None
    """What ``genlock models fetch`` takes to get it, names and blanks; None if it cannot be fetched so."""


class MissingDependency(GenlockError, ImportError):
    """An optional package is not installed. The message says in one line how to get it."""

    fetch: None = None
    """No model file would do."""


class TrainingError(GenlockError):
    """A training run cannot go on: the loss is not finite, or nothing is left to train on."""


class PluginError(GenlockError):
    """A registered plugin cannot be loaded or breaks its contract."""

    exit_status = 1
