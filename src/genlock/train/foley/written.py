"""What a writer that learns writes for clips that it does not learn from, to be seen and heard: written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.foley.codec import Codec
from genlock.models.foley.columns import COLUMN_RATE
from genlock.models.foley.sampling import Sampling
from genlock.models.foley.vocoder import Vocoder
from genlock.models.foley.writer import Writer
from genlock.report.attention_plot import write_attention_plot
from genlock.train.foley.listening import write_bands, write_wav
from genlock.train.foley.told import ToldClip, true_posterior

__all__ = ["write_written"]

_COLUMNS = 4 * int(COLUMN_RATE)


def write_written(
    writer: Writer,
    codec: Codec,
    vocoder: Vocoder,
    clips: Sequence[ToldClip],
    sampling: Sampling,
    materials: Sequence[str],
    folder: Path,
) -> None:
    """Of each clip, told its own contacts, ``heard/K-true.wav``, ``heard/K-made.wav``, ``heard/K.png`` of the bands of
    both, the true ones above, and ``heard/K-attention.png``.

    The true sound is as the codec keeps it, so that what differs is the writer's. Raises OutputError if something
    cannot be written.
    """
    for number, clip in enumerate(clips):
        true = clip.codes[:_COLUMNS]
        certain = true_posterior(clip.heard, len(true), materials, {}, 0.0, np.random.default_rng(0))
        events = Track(certain, Grid(COLUMN_RATE), name="events", support="whole")
        made = writer.write(events, (number,), sampling).values[:, 0]
        bands = [codec.decode(codes) for codes in (true, made)]
        for name, one in zip(("true", "made"), bands, strict=True):
            write_wav(folder / "heard" / f"{number}-{name}.wav", vocoder.sound(one))
        write_bands(folder / "heard" / f"{number}.png", *bands)
        write_attention_plot(
            folder / "heard" / f"{number}-attention.png",
            writer.attention(events, made),
            [Fraction(time) for time in clip.heard.times.tolist()],
            clip.name,
        )
