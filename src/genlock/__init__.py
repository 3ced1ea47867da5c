"""Sound and picture of a video on one exact clock.

>>> import genlock
>>> clip = genlock.align("talk.mp4")                # doctest: +SKIP
>>> clip.words                                      # doctest: +SKIP
>>> clip.track("mel").on(clip.frames)               # doctest: +SKIP

The names:

======================  ===========================================================================
``align``               the main job: features, words and frames of a video on its clock
``probe``               what is in a file, exactly
``features``            sound features, each on its own exact grid
``words``               words with times, recognised or from a transcript
``animate``             a face that moves with a voice, as a film or for other programs
``sound``               sound for a silent film, on what strikes in its picture
``sync``                how early or late the sound is against the picture, and a repaired copy
``prepare``             a folder of videos to a dataset for training
``export``              a dataset in the form of another tool
``open_dataset``        the clips of a dataset
``read_audio``          the waveform of a file as a Track
``Grid``, ``Ticks``     cells of a constant and of a variable rate
``Track``, ``Spans``    values and labelled intervals on cells and clocks
``Warp``                a monotone map from clock to clock
``save_track``          a Track as an ``.npz``
``load_track``          a Track out of one
``GenlockError``        root of everything that is raised on purpose
======================  ===========================================================================
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlock.api import align, animate, export, features, open_dataset, prepare, probe, sound, sync, words
    from genlock.core import GenlockError, Grid, Spans, Ticks, Track, Warp
    from genlock.core.track_file import load_track, save_track
    from genlock.media import read_audio

__version__ = "0.1.0"

__all__ = [
    "GenlockError",
    "Grid",
    "Spans",
    "Ticks",
    "Track",
    "Warp",
    "__version__",
    "align",
    "animate",
    "export",
    "features",
    "load_track",
    "open_dataset",
    "prepare",
    "probe",
    "read_audio",
    "save_track",
    "sound",
    "sync",
    "words",
]

# Numbers, decoders and recognisers take time to import: only whoever uses them waits for them.
_LATER = {
    "GenlockError": "genlock.core",
    "Grid": "genlock.core",
    "Spans": "genlock.core",
    "Ticks": "genlock.core",
    "Track": "genlock.core",
    "Warp": "genlock.core",
    "load_track": "genlock.core.track_file",
    "save_track": "genlock.core.track_file",
    "align": "genlock.api",
    "animate": "genlock.api",
    "export": "genlock.api",
    "features": "genlock.api",
    "open_dataset": "genlock.api",
    "prepare": "genlock.api",
    "probe": "genlock.api",
    "sound": "genlock.api",
    "sync": "genlock.api",
    "words": "genlock.api",
    "read_audio": "genlock.media",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    # With its module and name Python says which name was meant.
    raise AttributeError(
        f"module 'genlock' has no attribute {name!r}", name=name, obj=import_module(__name__)
    )


def __dir__() -> list[str]:
    return sorted(__all__)
