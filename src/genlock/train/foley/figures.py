"""How well a codec and a vocoder give sounds back, on clips that they did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.sound.griffin_lim import griffin_lim
from genlock.metrics.onsets import Wanted, find_onsets, offset_seconds, pooled_f, score_onsets
from genlock.models.foley.codec import Codec
from genlock.models.foley.vocoder import CELL, SOUND_RATE, Vocoder
from genlock.train.foley.sounds import SoundClip, mel_of

__all__ = ["codec_figures", "glance_at_bands", "glance_at_sound", "onset_figures", "vocoder_figures"]

Array: TypeAlias = npt.NDArray[np.float32]

# Of long clips only so much is looked at, and of many clips only so many.
_MOST_SECONDS, _MOST_CLIPS = 10, 40


def whole_cells(clip: SoundClip) -> Array:
    """The beginning of a clip, in whole cells of 10 ms, an even number of them."""
    count = min(len(clip.samples) // (2 * CELL), 50 * _MOST_SECONDS)
    return np.asarray(clip.samples[: 2 * CELL * count], np.float32)


def glance_at_bands(codec: Codec, clips: Sequence[SoundClip]) -> dict[str, float]:
    """Errors of the bands that come back, ln power: mean, of rises only; share of the vocabulary that is used, and
    perplexity of the tokens."""
    errors, rises, codes = [], [], []
    for clip in clips[:_MOST_CLIPS]:
        true = mel_of(whole_cells(clip))
        tokens = codec.encode(true)
        found = codec.decode(tokens)
        errors.append(np.abs(found - true).mean())
        rise = np.maximum(np.diff(true, axis=0), 0).mean(axis=1)
        rises.append(
            np.abs(np.maximum(np.diff(found, axis=0), 0).mean(axis=1) - rise).sum() / max(rise.sum(), 1e-6)
        )
        codes.append(tokens)
    return {
        "band_error": float(np.mean(errors)),
        "rise_error": float(np.mean(rises)),
        **usage_of(np.concatenate(codes), codec.vocabulary),
    }


def usage_of(codes: npt.NDArray[np.int64], vocabulary: int) -> dict[str, float]:
    """Share of the vocabulary that occurs, and perplexity of the tokens: means over the tokens of a column.

    >>> usage_of(np.array([[0, 1], [1, 1]]), 2)
    {'codes_used': 0.75, 'code_perplexity': 1.5}
    """
    used, perplexity = [], []
    for column in codes.T:
        shares = np.bincount(column, minlength=vocabulary) / max(len(column), 1)
        shares = shares[shares > 0]
        used.append(len(shares) / vocabulary)
        perplexity.append(np.exp(-(shares * np.log(shares)).sum()))
    return {"codes_used": float(np.mean(used)), "code_perplexity": float(np.mean(perplexity))}


def codec_figures(codec: Codec, clips: Sequence[SoundClip]) -> dict[str, float]:
    """:func:`glance_at_bands`, and the onsets of what comes back, heard by Griffin-Lim, against those of the true
    sound; beside them those of the true bands, heard in the same way."""
    through = onset_figures(clips, lambda bands: griffin_lim(codec.decode(codec.encode(bands)), iterations=8))
    bands = onset_figures(clips, lambda bands: griffin_lim(bands, iterations=8))
    return {**glance_at_bands(codec, clips), **through, **{f"true_bands_{k}": v for k, v in bands.items()}}


def onset_figures(clips: Sequence[SoundClip], hear: Callable[[Array], Array]) -> dict[str, float]:
    """Onsets of what is heard of the true bands against those of the true sound: F at 20 and 50 ms, of all onsets
    together, and the median signed offset in ms."""
    scores = []
    for clip in clips[:_MOST_CLIPS]:
        true = whole_cells(clip)
        wanted = Wanted(tuple(_onsets(true)), length=len(true) / SOUND_RATE)
        if wanted.seconds:
            scores.append(score_onsets(wanted, _onsets(hear(mel_of(true)))))
    found = {"onset_f_20ms": pooled_f(scores, 0), "onset_f_50ms": pooled_f(scores, 1)}
    offset = offset_seconds(scores)
    # Where no onset has a partner there is no offset.
    return found | ({"onset_offset_ms": 1000 * offset} if np.isfinite(offset) else {})


def _onsets(samples: Array) -> list[float]:
    return [float(at) for at in find_onsets(Track(samples, Grid.of_samples(SOUND_RATE))).seconds]


def glance_at_sound(vocoder: Vocoder, clips: Sequence[SoundClip]) -> dict[str, float]:
    """Error of the bands of what is heard, ln power."""
    errors = []
    for clip in clips[:_MOST_CLIPS]:
        true = mel_of(whole_cells(clip))
        errors.append(np.abs(mel_of(vocoder.sound(true)) - true).mean())
    return {"band_error": float(np.mean(errors))}


def vocoder_figures(
    vocoder: Vocoder, clips: Sequence[SoundClip], codec: Codec | None = None
) -> dict[str, float]:
    """The same, of the vocoder and of Griffin-Lim, and of what went through a codec, if one is given."""
    found = {**glance_at_sound(vocoder, clips), **onset_figures(clips, vocoder.sound)}
    floor, coded = [], []
    for clip in clips[:_MOST_CLIPS]:
        true = mel_of(whole_cells(clip))
        floor.append(np.abs(mel_of(griffin_lim(true)) - true).mean())
        if codec is not None:
            bands = codec.decode(codec.encode(true))
            coded.append(np.abs(mel_of(vocoder.sound(bands)) - bands).mean())
    found["griffin_lim_band_error"] = float(np.mean(floor))
    return found | ({"coded_band_error": float(np.mean(coded))} if coded else {})
