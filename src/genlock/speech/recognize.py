"""Recognisers: what is said, and roughly when. The exact times come from alignment.

Sound of any length is cut into pieces of at most half a minute, each at the quietest place within reach.
Where that place is not surely silent, neighbouring pieces overlap by a second, and each word counts in the
piece that holds its middle: no word is cut, none counts twice. Only one piece is in memory at a time, and one more for
each that is heard at once.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, MissingModel, OptionError
from genlock.core.optional import is_installed, not_installed, optional_module
from genlock.core.plugins import check_plugin, plugin_class, plugin_names
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.media.sound_source import SoundSource
from genlock.speech.heard import Heard
from genlock.speech.mouths import SpooledMouths
from genlock.speech.sound import (
    SAMPLE_RATE,
    instant,
    known_seconds,
    level_db,
    quiet_cuts,
    require_speech_rate,
)
from genlock.speech.sphinx.align import Placed
from genlock.speech.sphinx.model import model_folder
from genlock.speech.text import Token
from genlock.speech.whisper.options import WhisperOptions
from genlock.speech.whisper.recognizer import FasterWhisper
from genlock.speech.words import Word

_SPHINX = optional_module("pocketsphinx")

__all__ = [
    "GROUP",
    "FasterWhisper",
    "FolderModel",
    "Listening",
    "OfFolder",
    "PocketSphinx",
    "Recognizer",
    "SpeechModel",
    "choose_recognizer",
    "find_recognizer",
    "knows",
    "mouth_side_of",
    "of_folder",
    "recognize",
    "recognizer_instance",
    "recognizer_kind",
    "require_folder",
    "require_model",
    "takes_model",
]

#: Entry-point group of recognisers.
GROUP = "genlock.recognizers"
#: The recognisers that ``auto`` tries, the best first.
PREFERRED = ("faster-whisper", "pocketsphinx")
#: Other names that people know them by.
_ALSO = {"whisper": "faster-whisper", "sphinx": "pocketsphinx"}

Samples = npt.NDArray[np.float32]

_SHORTEST, _LONGEST = 15 * SAMPLE_RATE, 28 * SAMPLE_RATE
_OVERLAP = SAMPLE_RATE
#: Below this level a piece is not worth recognising: it holds nothing that could be heard.
_SILENT_DB = -65.0


class Recognizer(Protocol):
    """What turns a piece of sound into words. Registered under ``genlock.recognizers``; made without
    arguments.

    One that holds much memory may have a method ``release()``: it is called where the aligner follows, and ``hear`` may
    be asked again afterwards. One that may be asked by several threads has a number ``at_once``: how many.
    """

    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes; ``*`` for any."""
    mouth_side: int | None
    """Side in pixels of the mouth crops that it wants to see as well, 16...512; None: it only hears."""

    def hear(self, samples: Samples, language: str, mouths: Sequence[Track] = ()) -> list[Heard]:
        """Words in at most 30 s of 16 kHz sound, float32 [n]; times count from its first sample.

        ``mouths`` are given only to whoever has a ``mouth_side``: crops, uint8 [T, side, side], one Track for each face
        that is seen meanwhile, on the cells and the clock of the video; the face that is seen longest comes first.
        """
        ...

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used on this machine, in one line that says what to do; None if it can."""
        ...


class Listening(Protocol):
    """One sound as a model heard it; a context manager, which drops what it keeps when it is left."""

    def __enter__(self) -> Listening: ...
    def __exit__(self, *_: object) -> None: ...

    @property
    def silent_reason(self) -> str | None:
        """Why nothing can be found at all, or None."""
        ...

    def recognize(self) -> list[Heard]:
        """The words that are recognised, with rough times on the sound's clock."""
        ...

    def align(self, tokens: Sequence[Token]) -> list[Placed]:
        """One place for each token, in order."""
        ...

    def words(self) -> list[Word]:
        """The words that are recognised, each with the times that its own spelling gets."""
        ...


class SpeechModel(Protocol):
    """What a checkpoint makes that recognises and aligns: it hears a sound once, and as a whole. Registered under
    ``genlock.recognizers``, ``genlock.aligners`` or both; made of the options that name the checkpoint."""

    name: str
    languages: tuple[str, ...]
    takes_model: bool
    """True. ``auto`` means these where a checkpoint is named, and only those without it where none is."""

    def listen(self, sound: SoundSource, progress: Progress = ...) -> Listening:
        """Run the model over a sound."""
        ...

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used on this machine whatever checkpoint is named; None if it can."""
        ...


class FolderModel(Protocol):
    """What a folder of weights makes that recognises and aligns, and may see as well as hear. Registered under
    ``genlock.recognizers``, ``genlock.aligners`` or both; meant by ``NAME:FOLDER``, and made of the folder."""

    name: str
    languages: tuple[str, ...]
    mouth_side: int | None
    """As of a :class:`Recognizer`."""
    takes_folder: bool
    """True. ``auto`` never means one of these."""

    def listen(
        self, sound: SoundSource, progress: Progress = ..., mouths: SpooledMouths | None = ...
    ) -> Listening:
        """Run the model over a film: its sound, and the mouths of its faces if it asked for them."""
        ...

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used on this machine whatever folder is named; None if it can."""
        ...


@dataclass(frozen=True)
class OfFolder:
    """The class that ``NAME:FOLDER`` means, and its folder. Equal names mean equal models: each is heard once."""

    kind: Any
    """A :class:`FolderModel`."""
    folder: str
    """Where its weights lie."""

    @property
    def languages(self) -> tuple[str, ...]:
        """As the class says."""
        found: tuple[str, ...] = self.kind.languages
        return found

    @property
    def mouth_side(self) -> int | None:
        """As the class says."""
        side: int | None = self.kind.mouth_side
        return side

    @property
    def mouths(self) -> str | None:
        """The crops that this very model sees, as a feature; None: it only hears, or its class is not asked."""
        if self.mouth_side is None:
            return None
        told = getattr(self.kind, "mouths_of", None)
        found: str = f"mouth/{self.mouth_side}" if told is None else told(self.folder)
        return found

    def missing(self) -> str | None:
        """As the class says."""
        reason: str | None = self.kind.missing()
        return reason

    def listen(self, sound: SoundSource, progress: Progress, mouths: SpooledMouths | None) -> Listening:
        """Make the model, and let it run over a film."""
        listening: Listening = self.kind(self.folder).listen(sound, progress, mouths)
        return listening


class PocketSphinx:
    """The recogniser of CMU Sphinx with the model inside its package: always there, and the weaker one."""

    name = "pocketsphinx"
    languages: tuple[str, ...] = ("en",)
    mouth_side: int | None = None

    def __init__(self) -> None:
        if not is_installed("pocketsphinx"):
            raise _no_sphinx()
        self._decoder = _sphinx_decoder()

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used here, or None."""
        return None if is_installed("pocketsphinx") else str(_no_sphinx())

    def hear(self, samples: Samples, language: str, mouths: Sequence[Track] = ()) -> list[Heard]:
        """Words in at most 30 s of sound."""
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(_sixteen_bits(samples), no_search=False, full_utt=True)
        decoder.end_utt()
        heard = []
        for segment in decoder.seg() or ():
            if segment.word[0] in "<[" or segment.word.startswith("++"):
                continue
            # Frame k is centred on sample 160 k + 204.5; its 10 ms cell is what it stands for.
            start, end = (
                Fraction(160 * k + 205 - 80, SAMPLE_RATE)
                for k in (segment.start_frame, segment.end_frame + 1)
            )
            heard.append(
                Heard(segment.word.partition("(")[0], start, end, min(max(float(segment.prob), 0.0), 1.0))
            )
        return heard


def _no_sphinx() -> MissingDependency:
    if sys.version_info >= (3, 14):
        return MissingDependency(
            "pocketsphinx has no wheel for this Python; take --recognizer whisper, "
            "or build it, which needs a compiler: pip install pocketsphinx"
        )
    return not_installed("pocketsphinx", "the recogniser pocketsphinx")


def _sphinx_decoder() -> Any:
    folder = model_folder()
    return _SPHINX.Decoder(
        hmm=str(folder / "en-us"),
        lm=str(folder / "en-us.lm.bin"),
        dict=str(folder / "cmudict-en-us.dict"),
        loglevel="FATAL",
    )


def _sixteen_bits(samples: Samples) -> bytes:
    clean = np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    return np.rint(clean * 32767).astype("<i2").tobytes()


def choose_recognizer(name: str, language: str) -> Recognizer:
    """The recogniser of a name, or for ``auto`` the best one that is present and knows the language.

    Raises
    ------
    OptionError
        If no recogniser of that name exists, or it does not know the language.
    MissingModel, MissingDependency
        If it is not installed, or its model is not on this machine.
    """
    return recognizer_instance(find_recognizer(name, language, with_model=False)[0], language)


def find_recognizer(
    name: str, language: str, with_model: bool, whisper: WhisperOptions | None = None
) -> tuple[str, Any]:
    """Name and class of the recogniser that is meant: a :class:`Recognizer`, or a :class:`SpeechModel` where a
    checkpoint is named. Raises as :func:`choose_recognizer`."""
    name = _ALSO.get(name, name)
    if whisper is not None and whisper.model is not None:
        if name not in ("auto", FasterWhisper.name):
            raise OptionError(
                f"the model {whisper.model!r} is Whisper's, and the recogniser {name!r} cannot use it; leave one out"
            )
        return FasterWhisper.name, FasterWhisper
    if name != "auto":
        return name, _present(name, language, with_model)
    problems: dict[str, list[str]] = {}
    for candidate in _in_order(with_model):
        kind = recognizer_kind(candidate)
        problem = why_not(kind, language)
        if problem is None:
            return candidate, kind
        problems.setdefault(problem, []).append(candidate)
    if not with_model and not is_installed("faster_whisper"):
        # Whatever else is missing comes with the same extra, and a transcript would need it too.
        raise not_installed("faster_whisper", f"recognising speech in the language {language!r}")
    told = "; ".join(f"{', '.join(names)}: {problem}" for problem, names in problems.items())
    said = f"nothing here recognises speech in the language {language!r} ({told}); give a transcript"
    lacking = None if with_model else FasterWhisper.lacking(language)
    if lacking is None:
        raise OptionError(said)
    error = type(lacking)(said)
    error.fetch = lacking.fetch
    raise error


def mouth_side_of(name: str, language: str, with_model: bool = False) -> int | None:
    """Side in pixels of the mouth crops that the recogniser of a name asks for; None: it only hears.

    Raises OptionError if no recogniser of that name exists.

    >>> mouth_side_of("pocketsphinx", "en"), mouth_side_of("auto", "de")
    (None, None)
    """
    for candidate in _in_order(with_model) if name == "auto" else [name]:
        kind = recognizer_kind(candidate)
        if why_not(kind, language) is None:
            side: int | None = getattr(kind, "mouth_side", None)
            return side
    return None


def why_not(kind: Any, language: str) -> str | None:
    """Why a registered class cannot recognise a language here, or None; ``auto``: any language."""
    if language != "auto" and not knows(kind, language):
        return f"it knows only {', '.join(kind.languages)}"
    told = getattr(kind, "missing_for", None)
    reason: str | None = kind.missing() if told is None else told(language)
    return reason


def knows(kind: Any, language: str) -> bool:
    """Whether a recogniser or aligner knows a language."""
    return language in kind.languages or "*" in kind.languages


def require_model(group: str, name: str, kind: Any, with_model: bool) -> None:
    """Raise MissingModel if a registered class is made of a checkpoint and none is named."""
    if takes_model(kind) and not with_model:
        raise MissingModel(f"{name!r} of {group} needs a checkpoint: name its folder with --model FOLDER")


def of_folder(group: str, name: str) -> OfFolder | None:
    """What ``NAME:FOLDER`` means in a group; None if the name has no folder.

    Raises
    ------
    OptionError
        If there is no such name, or it takes no folder.
    PluginError
        If it is broken.
    """
    plugin, mark, folder = name.partition(":")
    if not mark:
        return None
    kind = plugin_class(group, plugin, "name", "languages", "missing")
    if not _takes_folder(kind):
        say = f"say {plugin} and name its checkpoint: --model {folder or 'FOLDER'}"
        raise OptionError(
            f"{name!r}: {plugin!r} of {group} takes no folder; {say if takes_model(kind) else f'say {plugin}'}"
        )
    check_plugin(group, plugin, kind, "listen", "mouth_side")
    return OfFolder(kind, folder)


def _takes_folder(kind: Any) -> bool:
    return bool(getattr(kind, "takes_folder", False))


def require_folder(group: str, name: str, kind: Any) -> None:
    """Raise MissingModel if a registered class is made of a folder and none is named."""
    if _takes_folder(kind):
        raise MissingModel(f"{name!r} of {group} needs its folder: say {name}:FOLDER")


def takes_model(kind: Any) -> bool:
    """Whether a class is a :class:`SpeechModel`, made of a checkpoint."""
    return bool(getattr(kind, "takes_model", False))


def _in_order(with_model: bool) -> list[str]:
    """The recognisers that ``auto`` tries: those of other packages, then our own."""
    names = [*(name for name in plugin_names(GROUP) if name not in PREFERRED), *PREFERRED]
    kinds = {name: _registered(name) for name in names}
    return [
        name for name, kind in kinds.items() if not _takes_folder(kind) and takes_model(kind) == with_model
    ]


def _present(name: str, language: str, with_model: bool) -> Any:
    kind = recognizer_kind(name)
    require_model(GROUP, name, kind, with_model)
    if not knows(kind, language):
        raise OptionError(
            f"the recogniser {name!r} knows only {', '.join(kind.languages)}, not the language {language!r}; "
            "give a transcript"
        )
    problem = why_not(kind, language)
    if problem is not None:
        raise MissingModel(f"the recogniser {name!r} cannot be used: {problem}")
    return kind


def recognizer_kind(name: str) -> Any:
    """The class that is registered under a name; for ``NAME:FOLDER`` an :class:`OfFolder`.

    Raises OptionError if there is none, MissingModel if it needs a folder, PluginError if it is broken.
    """
    name = _ALSO.get(name, name)
    found = of_folder(GROUP, name)
    if found is not None:
        return found
    kind = _registered(name)
    require_folder(GROUP, name, kind)
    return kind


def _registered(name: str) -> Any:
    kind = plugin_class(GROUP, name, "name", "languages", "missing")
    check_plugin(GROUP, name, kind, "listen" if takes_model(kind) or _takes_folder(kind) else "hear")
    return kind


def recognizer_instance(name: str, language: str = "en", whisper: WhisperOptions | None = None) -> Recognizer:
    """The recogniser of a name; its model is read once a process. ``whisper`` tells Whisper how to listen."""
    if recognizer_kind(name) is FasterWhisper:
        return FasterWhisper(whisper, language)
    return _instance(name)


@lru_cache(maxsize=4)
def _instance(name: str) -> Recognizer:
    made: Recognizer = recognizer_kind(name)()
    return made


def recognize(
    sound: SoundSource,
    recognizer: Recognizer,
    language: str = "en",
    progress: Progress = silent,
    mouths: SpooledMouths | None = None,
) -> list[Heard]:
    """All words of a sound of any length, in order, on the sound's clock.

    ``mouths`` are handed, piece by piece, to a recogniser that asks for them.

    Examples
    --------
    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> quiet = TrackSound(Track(np.zeros(16000, np.float32), Grid.of_samples(16000)))
    >>> recognize(quiet, PocketSphinx())
    []
    """
    require_speech_rate(sound)
    words: list[Heard] = []
    threads = max(1, getattr(recognizer, "at_once", 1))
    waiting: deque[tuple[int, int, Future[list[Heard]] | list[Heard]]] = deque()

    def take() -> list[Heard]:
        first, cut, asked = waiting.popleft()
        heard = asked.result() if isinstance(asked, Future) else asked
        joined = _joined(words, _within(heard, instant(sound, first), instant(sound, cut)))
        progress("recognise", cut / sound.rate, known_seconds(sound))
        return joined

    pool = ThreadPoolExecutor(threads, "genlock-recognise") if threads > 1 else None
    try:
        for first, cut, begin, finish in _overlapping(sound):
            samples = np.nan_to_num(sound.samples(begin, finish), nan=0.0, posinf=0.0, neginf=0.0)
            ask = (recognizer, samples, language, instant(sound, begin), instant(sound, finish), mouths)
            waiting.append((first, cut, _hear(*ask) if pool is None else pool.submit(_hear, *ask)))
            if pool is None or len(waiting) > threads:
                words = take()
        while waiting:
            words = take()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return words


def _overlapping(sound: SoundSource) -> Iterator[tuple[int, int, int, int]]:
    """Samples between which a piece's words count, and those between which it is heard."""
    first, first_silent = 0, True
    for cut, cut_silent in quiet_cuts(sound, _SHORTEST, _LONGEST):
        begin = first if first_silent else max(0, first - _OVERLAP)
        yield first, cut, begin, cut if cut_silent else cut + _OVERLAP
        first, first_silent = cut, cut_silent


def _hear(
    recognizer: Recognizer,
    samples: Samples,
    language: str,
    start: Fraction,
    end: Fraction,
    mouths: SpooledMouths | None,
) -> list[Heard]:
    """The words of a piece from one instant to another."""
    if not len(samples) or level_db(samples) <= _SILENT_DB:
        return []
    if getattr(recognizer, "mouth_side", None) is None:
        heard = recognizer.hear(samples, language)
    else:
        seen = () if mouths is None else mouths.between(start, end)
        heard = recognizer.hear(samples, language, seen)
    return [Heard(w.text, start + w.start, start + w.end, w.probability) for w in heard]


def _within(heard: Sequence[Heard], start: Fraction, end: Fraction) -> Iterator[Heard]:
    return (word for word in heard if start <= word.middle < end)


def _joined(before: list[Heard], after: Iterator[Heard]) -> list[Heard]:
    """Join two pieces' words; a word at the border that both have counts once."""
    new = list(after)
    if before and new:
        last, first = before[-1], new[0]
        same = last.text.strip(".,;:!?").lower() == first.text.strip(".,;:!?").lower()
        if same and abs(first.middle - last.middle) < Fraction(3, 10):
            new = new[1:]
    return before + new
