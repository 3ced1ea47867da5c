"""When somebody speaks, whatever the language: Silero's voice detector, which lies in the package faster-whisper."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from genlock.core.optional import not_installed
from genlock.core.progress import Progress, silent
from genlock.media.sound_source import SoundSource
from genlock.speech.sound import instant, known_seconds, require_speech_rate

__all__ = ["speech_spans"]

# Seconds in memory at a time; the detector needs no more than the last second to be sure again.
_BLOCK, _OVERLAP = 300, 2
# Shorter silence does not end speech: words are apart by so much.
_SILENCE_MS = 200


def speech_spans(sound: SoundSource, progress: Progress = silent) -> list[tuple[Fraction, Fraction]]:
    """From when to when somebody speaks, in seconds on the sound's clock, in order and apart.

    Parameters
    ----------
    sound : 16 kHz mono sound of any length; five minutes of it are in memory at a time

    Raises
    ------
    MissingDependency
        If the package faster-whisper is not installed.

    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> speech_spans(TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000))))
    []
    """
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps
    except ImportError as error:
        raise not_installed("faster_whisper", "the detector of voices") from error
    require_speech_rate(sound)
    options = VadOptions(min_silence_duration_ms=_SILENCE_MS, min_speech_duration_ms=100, speech_pad_ms=0)
    found: list[tuple[Fraction, Fraction]] = []
    first = 0
    while len(held := sound.samples(max(0, first - _OVERLAP * sound.rate), first + _BLOCK * sound.rate)):
        begin = max(0, first - _OVERLAP * sound.rate)
        if begin + len(held) <= first:
            break
        samples = np.nan_to_num(np.asarray(held, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        for span in get_speech_timestamps(samples, options):
            low, high = max(begin + int(span["start"]), first), begin + int(span["end"])
            if high > low:
                _append(found, instant(sound, low), instant(sound, high))
        first = begin + len(held)
        progress("listen", first / sound.rate, known_seconds(sound))
    return found


def _append(found: list[tuple[Fraction, Fraction]], start: Fraction, end: Fraction) -> None:
    """Append a span; one that touches the last one continues it."""
    if found and start <= found[-1][1]:
        found[-1] = (found[-1][0], max(found[-1][1], end))
    else:
        found.append((start, end))
