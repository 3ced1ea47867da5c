"""Talkers that were made, as clips to learn from: many voices, with lips that are known exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors import make_extractor
from genlock.extractors.face.pose import upright_mesh
from genlock.extractors.sound.base import AudioExtractor
from genlock.media import read_audio
from genlock.synth.talkers.truth import TalkerTruth, load_talker_truth
from genlock.train.talker.clips import TalkingClip

__all__ = ["is_made", "made_clips", "voices_of"]

_LIST, _TRUTH = "talkers.json", ".talker.json"


def is_made(folder: str | Path) -> bool:
    """Whether a folder is one of ``genlock synth talkers``."""
    return (Path(folder) / _LIST).is_file()


def made_clips(
    folder: str | Path, hears: Sequence[str], progress: Progress = silent
) -> tuple[list[TalkingClip], list[str]]:
    """The clips of a folder of ``genlock synth talkers``, and their voices.

    Where the lips are is not seen, but known: with and without films, at every frame.

    Raises
    ------
    InputError
        If a sound is missing.
    FormatError
        If a truth is damaged.
    """
    made = {spec: make_extractor(spec) for spec in hears if spec != "words"}
    extractors = {spec: one for spec, one in made.items() if isinstance(one, AudioExtractor)}
    if len(extractors) < len(made):
        raise InputError(
            f"a talker hears features of sound alone, not {', '.join(set(made) - set(extractors))}"
        )
    clips, voices = [], []
    truths = sorted(Path(folder).glob(f"*{_TRUTH}"))
    for number, path in enumerate(truths):
        progress("talkers", number, len(truths))
        name = path.name.removesuffix(_TRUTH)
        there = [path.with_name(name + ending) for ending in (".wav", ".mp4")]
        sound_file = next((file for file in there if file.is_file()), None)
        if sound_file is None:
            raise InputError(f"{path} has no sound beside it; make the talkers again")
        sound = read_audio(sound_file)
        truth = load_talker_truth(path).on_clock(sound.clock)
        # Sound that is early by so much belongs so much later.
        heard: dict[str, Track | Spans] = {
            spec: extract(sound).shifted(truth.offset_seconds) for spec, extract in extractors.items()
        }
        heard["words"] = truth.words.shifted(truth.offset_seconds)
        points = upright_mesh(np.asarray(truth.landmarks().values, np.float32)).astype(np.float32)
        valid = np.ones(len(points), bool)
        closures = truth.closures.shifted(truth.offset_seconds)
        clips.append(
            TalkingClip(
                f"{Path(folder).name}/{name}", truth.person, heard, truth.cells, points, valid, True, closures
            )
        )
        voices.append(_voice(truth))
    return clips, voices


def _voice(truth: TalkerTruth) -> str:
    return f"{truth.engine} ({truth.licence})"


def voices_of(voices: Sequence[str]) -> str:
    """Engines with their licences and numbers of clips, in words.

    >>> voices_of(["own (MIT)", "flite (BSD)", "own (MIT)"])
    'own (MIT), 2 clips; flite (BSD), 1 clip'
    """
    return "; ".join(
        f"{voice}, {count} clip{'s' * (count > 1)}" for voice, count in Counter(voices).most_common()
    )
