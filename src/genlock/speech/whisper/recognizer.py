"""Whisper by the package faster-whisper: any size, English or many languages, on the CPU or a GPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, MissingDependency, MissingModel, OptionError
from genlock.core.optional import is_installed, not_installed, optional_module
from genlock.core.track import Track
from genlock.speech.heard import Heard
from genlock.speech.scripts import UNSPACED
from genlock.speech.sound import SAMPLE_RATE
from genlock.speech.whisper.models import ENGLISH, MULTILINGUAL, default_model, require_whisper
from genlock.speech.whisper.options import WhisperOptions

_WHISPER, _TRANSLATE = optional_module("faster_whisper"), optional_module("ctranslate2")

__all__ = ["FasterWhisper", "FoundLanguage", "lacking_whisper"]

Samples = npt.NDArray[np.float32]

#: Weights up to this size are computed in one thread a piece of sound: four, which is the default, take a third more
#: processor time for the same words. So many pieces are heard at once instead.
_SMALL_BYTES, _AT_ONCE = 100e6, 2
#: Above this probability nobody speaks; above this ratio of compression a text repeats itself; below this mean log
#: probability it is likely wrong.
_NO_SPEECH, _REPEATS, _UNLIKELY = 0.6, 2.4, -1.0
#: Samples below which a doubtful piece is not heard again in halves.
_SHORTEST_TO_HALVE = 8 * SAMPLE_RATE


@dataclass(frozen=True)
class FoundLanguage:
    """The language that is spoken in a piece of sound."""

    language: str
    """ISO 639-1 code."""
    probability: float
    """How sure the model is, 0...1."""


class FasterWhisper:
    """Whisper, of the options' model or of the one that suits the language and is on this machine.

    What Whisper makes up over silence and music is kept out in four ways: its voice detector hands on only
    speech, a piece that it doubts (no-speech probability, mean log probability) or that repeats itself
    (compression) is dropped, and a gap of two seconds around a suspicious word discards it.

    Raises
    ------
    MissingDependency
        If faster-whisper is not installed.
    MissingModel
        If the model is not on this machine; the message says in one line what to fetch.
    OptionError
        If the device or the compute type cannot be had here.
    """

    name = "faster-whisper"
    languages: tuple[str, ...] = ("*",)
    mouth_side: int | None = None

    def __init__(self, options: WhisperOptions | None = None, language: str = "en") -> None:
        if not is_installed("faster_whisper", "ctranslate2"):
            raise lacking_whisper(language)
        self.options = options or WhisperOptions()
        model = self.options.model or default_model(language)
        if model is None:
            raise lacking_whisper(language)
        self.model = model
        device, compute_type = _where(self.options)
        self._shared = _loaded(require_whisper(model), device, compute_type)

    def release(self) -> None:
        """Drop the net until it is asked for again, which takes a quarter of a second: 60 MB less."""
        self._shared.let_go()

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used here with a model of its own choice, or None."""
        return cls.missing_for("en")

    @classmethod
    def missing_for(cls, language: str) -> str | None:
        """Why it cannot hear a language (``auto``: any) here with a model of its own choice, or None."""
        lacking = cls.lacking(language)
        return None if lacking is None else str(lacking)

    @classmethod
    def lacking(cls, language: str) -> MissingModel | MissingDependency | None:
        """The same as an error, which carries what to fetch."""
        if not is_installed("faster_whisper", "ctranslate2"):
            return not_installed("faster_whisper", "it")
        if default_model(language) is not None:
            return None
        wanted = ENGLISH if language == "en" else MULTILINGUAL
        error = MissingModel(f"its model is not on this machine: genlock models fetch {wanted}")
        error.fetch = wanted
        return error

    @property
    def at_once(self) -> int:
        """How many threads may call :meth:`hear` at once and are not made to wait."""
        return self._shared.at_once

    @property
    def multilingual(self) -> bool:
        """Whether the model knows more than English."""
        return len(self._shared.languages) > 1

    def require_language(self, language: str) -> None:
        """Raise OptionError if the model does not know a language, or cannot do what it is to do in it."""
        known = self._shared.languages
        if language not in known:
            rest = "English alone" if len(known) == 1 else f"{len(known)} languages: {', '.join(known)}"
            raise OptionError(
                f"the model {self.model!r} does not know the language {language!r}; it knows {rest}"
            )
        if self.options.task == "translate" and not self.multilingual:
            raise OptionError(
                f"the model {self.model!r} knows English alone, so it cannot translate; name another with --model"
            )

    def find_language(self, samples: Samples) -> FoundLanguage | None:
        """The language of at most 30 s of 16 kHz sound, float32 [n]; None where no voice is heard.

        A model of English alone says English.
        """
        if not self.multilingual:
            return FoundLanguage("en", 1.0)
        with self._shared as whisper:
            if self.options.vad and not _voices(samples):
                return None
            language, probability, _ = whisper.detect_language(samples)
        return FoundLanguage(language, min(max(float(probability), 0.0), 1.0))

    def hear(self, samples: Samples, language: str, mouths: Sequence[Track] = ()) -> list[Heard]:
        """Words in at most 30 s of sound."""
        self.require_language(language)
        with self._shared as whisper:
            return self._heard(whisper, samples, language)

    def _heard(self, whisper: Any, samples: Samples, language: str) -> list[Heard]:
        segments = self._segments(whisper, samples, language)
        if len(samples) < _SHORTEST_TO_HALVE or not any(map(_doubtful, segments)):
            return _words_of(segments, language)
        # Heard again in halves, where other words lie at hand. Whisper's own way, to draw words at random until they
        # look better, would give other words in each run.
        cut = _quietest(samples)
        later = Fraction(cut, SAMPLE_RATE)
        second = self._heard(whisper, samples[cut:], language)
        return [
            *self._heard(whisper, samples[:cut], language),
            *(replace(word, start=word.start + later, end=word.end + later) for word in second),
        ]

    def _segments(self, whisper: Any, samples: Samples, language: str) -> list[Any]:
        segments, _ = whisper.transcribe(
            samples,
            language=language,
            task=self.options.task,
            beam_size=self.options.beam_size,
            initial_prompt=self.options.initial_prompt,
            hotwords=self.options.hotwords,
            word_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=self.options.vad,
            vad_parameters={"min_silence_duration_ms": 1000, "speech_pad_ms": 400},
            no_speech_threshold=_NO_SPEECH,
            log_prob_threshold=_UNLIKELY,
            compression_ratio_threshold=_REPEATS,
            hallucination_silence_threshold=2.0,
            temperature=0.0,
        )
        return list(segments)


def _words_of(segments: Sequence[Any], language: str) -> list[Heard]:
    heard: list[Heard] = []
    spaced = language not in UNSPACED
    for segment in segments:
        if segment.compression_ratio > _REPEATS or (
            segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < -0.7
        ):
            continue
        for word in segment.words or ():
            heard = _with(heard, word.word, word.start, word.end, word.probability, spaced)
    return heard


def _doubtful(segment: Any) -> bool:
    """Whether it repeats itself, or is likely wrong though somebody speaks; the limits are those of Whisper's paper."""
    silent = segment.no_speech_prob > _NO_SPEECH
    return bool(segment.compression_ratio > _REPEATS or (segment.avg_logprob < _UNLIKELY and not silent))


def _quietest(samples: Samples) -> int:
    """The sample in the middle of the quietest fifth of a second of the middle third."""
    wide = SAMPLE_RATE // 5
    first, last = len(samples) // 3, 2 * len(samples) // 3
    energy = np.concatenate([[0.0], np.cumsum(samples[first:last].astype(np.float64) ** 2)])
    return first + int(np.argmin(energy[wide:] - energy[:-wide])) + wide // 2


class _Shared:
    """A net that several recognisers hold: loaded again where one let it go, and for so many threads at a time."""

    def __init__(self, whisper: Any, at_once: int) -> None:
        self.whisper, self.at_once = whisper, at_once
        # Asked for now, since a net that was let go does not say.
        self.languages = tuple(whisper.supported_languages)
        self._places = threading.Semaphore(at_once)
        self._loading, self._letting_go = threading.Lock(), threading.Lock()

    def __enter__(self) -> Any:
        self._places.acquire()
        try:
            with self._loading:
                if not self.whisper.model.model_is_loaded:
                    self.whisper.model.load_model()
        except BaseException:
            self._places.release()
            raise
        return self.whisper

    def __exit__(self, *_: object) -> None:
        self._places.release()

    def let_go(self) -> None:
        """Unload it, once nobody uses it."""
        with self._letting_go:  # two that wait for all places would wait for each other
            for _ in range(self.at_once):
                self._places.acquire()
            try:
                self.whisper.model.unload_model()
            finally:
                self._places.release(self.at_once)


def _where(options: WhisperOptions) -> tuple[str, str]:
    """Device and compute type, as this machine has them."""
    count = _TRANSLATE.get_cuda_device_count()
    device = ("cuda" if count else "cpu") if options.device == "auto" else options.device
    if device == "cuda" and not count:
        raise OptionError("--device cuda: there is no GPU here that can be used; say --device cpu, or auto")
    wanted = options.compute_type
    if wanted == "auto":
        wanted = "int8" if device == "cpu" else "float16"
    able = _TRANSLATE.get_supported_compute_types(device)
    if wanted not in able:
        raise OptionError(
            f"--compute-type {wanted}: this {device} computes in {', '.join(sorted(able))}; name one of those"
        )
    return device, wanted


@lru_cache(maxsize=2)
def _loaded(folder: Path, device: str, compute_type: str) -> _Shared:
    cores = os.cpu_count() or 1
    small = (folder / "model.bin").stat().st_size <= _SMALL_BYTES
    at_once = min(cores, _AT_ONCE) if small and device == "cpu" else 1
    try:
        whisper = _WHISPER.WhisperModel(
            str(folder),
            device=device,
            compute_type=compute_type,
            local_files_only=True,
            cpu_threads=1 if small else min(cores, 8),
            num_workers=at_once,
        )
        return _Shared(whisper, at_once)
    except Exception as error:
        raise FormatError(
            f"the Whisper model in {str(folder)!r} cannot be loaded ({error}); fetch it again, or name another"
        ) from error


def _voices(samples: Samples) -> bool:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    return bool(get_speech_timestamps(samples, VadOptions(min_silence_duration_ms=1000)))


def _with(
    heard: list[Heard], text: str, start: float, end: float, probability: float, spaced: bool = True
) -> list[Heard]:
    """Append a word; one without a space before it continues the word before (``-19`` of ``COVID-19``).

    In a language that puts no spaces only marks do.
    """
    # Times are rough and only seed the alignment: 10 ms is finer than they are.
    low, high = (Fraction(round(100 * t), 100) for t in (start, max(start, end)))
    sure = min(max(float(probability), 0.0), 1.0)
    continues = not text.startswith(" ") and (spaced or not any(c.isalnum() for c in text))
    if heard and continues and text.strip():
        last = heard[-1]
        return [
            *heard[:-1],
            Heard(last.text + text.strip(), last.start, max(high, last.end), min(last.probability, sure)),
        ]
    return [*heard, Heard(text.strip(), low, high, sure)] if text.strip() else heard


def lacking_whisper(language: str, beside: str = "") -> MissingModel | MissingDependency:
    """The error that Whisper cannot hear a language here, with what to install or to fetch.

    ``beside`` is said after it.
    """
    lacking = FasterWhisper.lacking(language)
    assert lacking is not None
    error = type(lacking)(f"the recogniser {FasterWhisper.name!r} cannot be used: {lacking}{beside}")
    if isinstance(lacking, MissingModel) and isinstance(error, MissingModel):
        error.fetch = lacking.fetch
    return error
