"""What a recogniser of heard and seen speech is judged by: clips of one speaker each, with what is said in them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MediaError
from genlock.core.grid import Grid
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.data.corpora import CorpusFolder, SourceFile, find_corpus
from genlock.data.output_spec import Wanted
from genlock.data.reading import ClipSet, is_dataset
from genlock.drawing.opencv import cv2
from genlock.extractors import make_extractor
from genlock.extractors.both.on_frames import heard_on_frames, seen_on_frames
from genlock.media import frame_cells, read_audio, read_frames
from genlock.metrics.words import normal_words
from genlock.pipeline import ClipRequest, read_clip
from genlock.speech.audiovisual.model import Rows
from genlock.speech.audiovisual.streams import silenced
from genlock.synth.noises import NoiseKind, mixed, noise

__all__ = ["AVClip", "AVClips", "Disturbance", "open_clips", "read_film"]

Samples: TypeAlias = npt.NDArray[np.float32]

_RATE = 16000
_SOUND = f"sound@{_RATE}"
#: Voices of the babble come from so many clips of the set.
_CROWD = 16
_LEAST_SHARE = 0.5
#: A film without a face that is square and no larger is taken for a mouth.
_LARGEST_MOUTH = 160


@dataclass(frozen=True)
class Disturbance:
    """A noise at a level.

    >>> str(Disturbance("babble", -5.0))
    'babble -5 dB'
    """

    kind: NoiseKind
    """What is heard beside the voice."""
    snr_decibels: float
    """Mean power of the voice over that of the noise, in dB."""

    def __str__(self) -> str:
        return f"{self.kind} {self.snr_decibels:g} dB"


@dataclass(frozen=True, eq=False)
class AVClip:
    """One clip of one speaker."""

    name: str
    """Its name in the set."""
    speaker: str
    """Who speaks; empty if it is not known."""
    text: str
    """What is said."""
    sound: Track
    """The voice, float32 [N] at 16 kHz, on the clip's clock."""
    mouth: Track
    """Grey mouths, uint8 [T, side, side], 25 a second; invalid where no mouth was seen."""
    note: str = ""
    """What was taken for granted when it was read, in words."""

    __repr__ = one_line

    def __len__(self) -> int:
        return len(self.mouth)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What is said, as it is compared."""
        return tuple(normal_words(self.text))

    def draw(self, *purpose: int) -> np.random.Generator:
        """Chance for one purpose, the same for this clip wherever it is judged."""
        return np.random.default_rng([*purpose, zlib.crc32(self.name.encode())])

    def heard(
        self, disturbed: Disturbance | None = None, crowd: Sequence[Samples] = (), seed: int = 0
    ) -> Rows:
        """Features of the voice, with a noise or without, on the frames of the picture; float32 [T, 104].

        Frames without sound are zeros. ``crowd`` are the voices of a babble.
        """
        samples = np.asarray(self.sound.values, np.float32).reshape(-1)
        if disturbed is not None:
            draw = self.draw(seed, 31)
            beside = noise(disturbed.kind, len(samples), _RATE, draw, crowd)
            samples = mixed(samples, beside, disturbed.snr_decibels)
        assert isinstance(self.mouth.grid, Grid)
        track = heard_on_frames(replace(self.sound, values=samples), self.mouth.grid, len(self.mouth))
        return silenced(np.asarray(track.values, np.float32), track.valid)


class AVClips(Protocol):
    """A set of clips that are read one by one."""

    @property
    def names(self) -> Sequence[str]:
        """Their names, in order."""
        ...

    @property
    def speakers(self) -> Sequence[str]:
        """Who speaks in each; empty if it is not known."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """What is said in each."""
        ...

    @property
    def left_out(self) -> list[str]:
        """What cannot be used, with the reason."""
        ...

    def read(self, number: int) -> AVClip:
        """One clip; InputError if it cannot be used."""
        ...

    def voice(self, number: int) -> Samples:
        """The voice of one clip alone, float32 [N] at 16 kHz."""
        ...

    def crowd(self, number: int, seed: int) -> list[Samples]:
        """Voices of a babble beside one clip: other clips of the set, never itself."""
        ...


def open_clips(dataset: str | os.PathLike[str], recipe: str, split: str, mouth: str) -> AVClips:
    """The clips of a prepared dataset, or of a folder of films.

    Parameters
    ----------
    recipe : the corpus that a folder of films is; it says who speaks and what is said
    split : ``all``, or one of the splits of a dataset, or of films whose corpus has official ones
    mouth : the crops that the model sees, as a feature, such as ``mouth/96``

    Raises
    ------
    InputError
        If no clip has a text, or a dataset lacks sound or mouths.
    OptionError
        If there is no such recipe.
    """
    if is_dataset(os.fspath(dataset)):
        return _Prepared(dataset, split, mouth)
    return _Films(dataset, recipe, split, mouth)


class _Crowd:
    """Voices of other clips, read once."""

    names: Sequence[str]

    def __init__(self) -> None:
        self._voices: dict[int, Samples | None] = {}

    def voice(self, number: int) -> Samples:
        raise NotImplementedError

    def crowd(self, number: int, seed: int) -> list[Samples]:
        order = np.random.default_rng([seed, 32]).permutation(len(self.names)).tolist()
        found = []
        for other in order[: _CROWD + 1]:
            if other == number:
                continue
            if other not in self._voices:
                try:
                    self._voices[other] = self.voice(other)
                except InputError:  # it is told where it is judged itself
                    self._voices[other] = None
            voice = self._voices[other]
            if voice is not None and len(voice):
                found.append(voice)
        return found[:_CROWD]


class _Films(_Crowd):
    """Films of a folder, with the texts that a corpus' recipe finds beside them."""

    def __init__(self, folder: str | os.PathLike[str], recipe: str, split: str, mouth: str) -> None:
        super().__init__()
        corpus = CorpusFolder(Path(folder))
        sources = find_corpus(recipe).sources(corpus)
        self.left_out = [f"{source.path}: {source.trouble.message}" for source in sources if source.trouble]
        sources = [source for source in sources if not source.trouble]
        if split != "all":
            sources = [source for source in sources if source.splits == (split,)]
        self.left_out += [f"{source.path}: it has no text" for source in sources if not source.transcript]
        self._sources: list[SourceFile] = sorted(
            (source for source in sources if source.transcript), key=lambda source: source.path
        )
        if not self._sources:
            raise InputError(
                f"no film of {os.fspath(folder)!r} has a text in the split {split!r} of the recipe {recipe!r}; name "
                "another recipe, or put CLIP.txt beside each film"
            )
        self._folder, self._mouth = corpus.path, mouth
        self.names = [source.path for source in self._sources]
        self.speakers = [source.speaker or self._folder.resolve().name for source in self._sources]
        self.texts = [source.transcript or "" for source in self._sources]

    def read(self, number: int) -> AVClip:
        source = self._sources[number]
        sound, mouth, note = read_film(self._folder / source.path, self._mouth)
        return AVClip(source.path, self.speakers[number], self.texts[number], sound, mouth, note)

    def voice(self, number: int) -> Samples:
        track = read_audio(self._folder / self._sources[number].path, rate=_RATE)
        return np.asarray(track.values, np.float32).reshape(-1)


class _Prepared(_Crowd):
    """Clips of a prepared dataset."""

    def __init__(self, dataset: str | os.PathLike[str], split: str, mouth: str) -> None:
        super().__init__()
        self._kinds = Wanted.parse(_SOUND).kind, Wanted.parse(mouth).kind
        every = ClipSet(os.fspath(dataset), self._kinds, None if split == "all" else split)
        self.left_out = [f"{name}: {reason}" for name, reason in every.left_out]
        self.left_out += [f"{clip.name}: it has no text" for clip in every.known if not clip.transcript]
        self._clips = every.where(lambda clip: bool(clip.transcript))
        if not len(self._clips):
            raise InputError(f"no clip of the split {split!r} of {os.fspath(dataset)!r} has a text")
        self.names = [clip.name for clip in self._clips.known]
        self.speakers = [clip.speaker for clip in self._clips.known]
        self.texts = [clip.transcript or "" for clip in self._clips.known]

    def read(self, number: int) -> AVClip:
        clip = self._clips[number]
        sound, mouth = (clip.tracks[kind] for kind in self._kinds)
        return AVClip(
            clip.name, clip.speaker, clip.transcript or "", sound, _enough(clip.name, seen_on_frames(mouth))
        )

    def voice(self, number: int) -> Samples:
        return np.asarray(self._clips.read(number, self._kinds[0]).values, np.float32).reshape(-1)


def read_film(path: str | os.PathLike[str], mouth: str) -> tuple[Track, Track, str]:
    """The voice of a film, [N] at 16 kHz, and the mouth of the face that is seen longest, 25 a second.

    A film without a face that is square and small is a mouth already; its frames are taken as they are, and the third
    value says so.

    Raises
    ------
    InputError
        If no face is seen in at least half of the frames.
    MediaError
        If the film cannot be read, or has no sound or no picture.
    """
    request = ClipRequest(extractors=(make_extractor(_SOUND), make_extractor(mouth)))
    with read_clip(path, request) as clip:
        tracks, frames = clip.tracks, clip.frame_count
    name = Path(path).name
    faces = [track for key, track in tracks.items() if ".face" in key]
    sounds = [track for key, track in tracks.items() if ".face" not in key]
    if not sounds or not len(sounds[0]):
        raise MediaError(f"{name}: it has no sound")
    if not frames:
        raise MediaError(f"{name}: it has no picture")
    face = max(faces, key=lambda track: int(track.valid.sum()), default=None)
    if face is None:
        taken = _mouths_already(path, name)
        return sounds[0], seen_on_frames(taken), f"{name}: no face is seen; its frames are taken for mouths"
    if 2 * int(face.valid.sum()) < frames:
        raise InputError(f"{name}: a face is seen in fewer than half of the frames")
    return sounds[0], _enough(name, seen_on_frames(face)), ""


def _mouths_already(path: str | os.PathLike[str], name: str) -> Track:
    """The frames of a film that is a mouth already, as published data sets of lips are: square, small, and no face.

    Raises InputError if it is none.
    """
    first = next(iter(read_frames(path))).pixels
    height, width = first.shape[:2]
    if height != width or height > _LARGEST_MOUTH:
        raise InputError(
            f"{name}: no face is seen; a film that is a mouth already is square and at most {_LARGEST_MOUTH} pixels "
            f"wide, not {width} x {height}"
        )
    grey = [cv2.cvtColor(cell.pixels, cv2.COLOR_RGB2GRAY) for cell in read_frames(path)]
    return Track(np.stack(grey), frame_cells(path)[0], name="mouth")


def _enough(name: str, mouth: Track) -> Track:
    if not len(mouth) or mouth.valid.mean() < _LEAST_SHARE:
        raise InputError(f"{name}: no mouth is seen in at least half of the frames")
    return mouth
