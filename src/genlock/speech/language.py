"""Which language is spoken: told by the text where there is one, else by a model that hears it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from genlock.core.time import round_fraction
from genlock.media.sound_source import SoundSource
from genlock.speech.ctc.options import CtcModelOptions
from genlock.speech.scripts import language_of_text
from genlock.speech.sound import level_db, seconds_long
from genlock.speech.whisper.models import default_model
from genlock.speech.whisper.options import WhisperOptions
from genlock.speech.whisper.recognizer import FasterWhisper, FoundLanguage

__all__ = ["AUTO", "find_spoken_language"]

#: The language that is to be found out.
AUTO = "auto"
#: What is taken where nothing tells it.
ASSUMED = "en"
#: Listening ends when one language is this sure, or after so many windows with a voice.
_SURE, _WINDOWS = 0.8, 3
_WINDOW_SECONDS = 30
_SILENT_DB = -60.0


def find_spoken_language(
    sound: SoundSource, text: str | None, recognizer: str, model: CtcModelOptions | WhisperOptions | None
) -> FoundLanguage | None:
    """The language of a sound; None: nothing at hand can tell, and :data:`ASSUMED` may be taken.

    Parameters
    ----------
    text : what is said, if that is known; its letters and common words are asked first
    recognizer : who will listen; only Whisper of many languages tells one from another
    model : its model, if one is named
    """
    told = None if text is None else language_of_text(text)
    if told is not None:
        return FoundLanguage(told, 1.0)
    if isinstance(model, CtcModelOptions) or recognizer not in ("auto", "whisper", FasterWhisper.name):
        return None
    options = model or WhisperOptions()
    if options.model is None and default_model(AUTO) is None:
        return None
    return _heard(sound, FasterWhisper(options, AUTO))


def _heard(sound: SoundSource, listener: FasterWhisper) -> FoundLanguage | None:
    """What most of the windows with a voice sound like."""
    if not listener.multilingual:
        return listener.find_language(np.zeros(0, np.float32))
    found: dict[str, list[float]] = defaultdict(list)
    for first, stop in _windows(sound):
        samples = np.nan_to_num(sound.samples(first, stop), nan=0.0, posinf=0.0, neginf=0.0)
        heard = listener.find_language(samples) if level_db(samples) > _SILENT_DB else None
        if heard is not None:
            found[heard.language].append(heard.probability)
        if heard is not None and (heard.probability >= _SURE or sum(map(len, found.values())) == _WINDOWS):
            break
    if not found:
        return None
    best = max(found, key=lambda language: sum(found[language]))
    return FoundLanguage(best, sum(found[best]) / sum(map(len, found.values())))


def _windows(sound: SoundSource) -> Iterator[tuple[int, int]]:
    """Windows spread over a sound: the first half minute may be music, or another language's greeting. The first is
    asked before the sound's end is known."""
    step = _WINDOW_SECONDS * sound.rate
    yield 0, step
    count = max(1, round_fraction(seconds_long(sound) / _WINDOW_SECONDS, "floor"))
    order = sorted(range(1, count), key=lambda k: (_spread(k), k))
    yield from ((k * step, min((k + 1) * step, sound.count)) for k in order[:11])


def _spread(k: int) -> Fraction:
    """Bits of a number in reverse, so that numbers in this order are spread evenly.

    >>> sorted(range(4), key=_spread)
    [0, 2, 1, 3]
    """
    value, part = Fraction(0), Fraction(1, 2)
    while k:
        value += part * (k & 1)
        k, part = k >> 1, part / 2
    return value
