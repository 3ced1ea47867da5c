"""The talking test card: a film of which everything is known, to the sample and to the frame.

:func:`make_card` writes it and returns its truth: the phones and words of the sound, how far the mouth stands open
in each frame, the instants of the flashes and beeps. An offset between sound and picture can be planted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Cells, Grid, Ticks
from genlock.core.serial import cells_from_dict, read_json_file, spans_from_dict, write_json
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, exact_rate, fraction_text, round_fraction
from genlock.core.timecode import Timecode
from genlock.core.track import Track
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.barcode import HIGHEST_NUMBER
from genlock.synth.card import Card, CardState
from genlock.synth.lips import Lips, lips_of
from genlock.synth.signals import beep, room_noise
from genlock.synth.voice import Speech, VoiceOptions, speak

__all__ = ["CardOptions", "CardTruth", "load_truth", "make_card", "render_card"]

Pixels = npt.NDArray[np.uint8]

_TICK = Fraction(1, 90000)  # of a variable rate
_BEEP_SECONDS, _BEEP_LEVEL, _VOICE_PEAK = 0.1, 0.4, 0.6


@dataclass(frozen=True)
class CardOptions:
    """What the test card shows and says.

    Instants are seconds of the picture, counted from the moment when both streams run (the later of the two starts).

    >>> CardOptions(rate="29.97").rate
    Fraction(30000, 1001)
    """

    width: int = 854
    """Pixels, even, 160...7680."""
    height: int = 480
    """Pixels, even, 90...7680."""
    rate: Exact = Fraction(30000, 1001)
    """Frames per second, exactly; of a variable rate the nominal one."""
    variable_rate: bool = False
    """Draw each frame's duration among 1/2, 1, 3/2 and 2 nominal ones, by ``seed``."""
    duration_seconds: Exact = Fraction(25, 2)
    """Length from the moment when both streams run, in seconds; frames that reach past it are still shown."""
    sound_rate: int = 48000
    """Samples per second, 8000...192000."""
    lines: tuple[tuple[Exact, str], ...] = (
        ("0.85", "Genlock puts the sound and the picture of a video on one exact clock."),
        ("6.25", "One, two, three, four, five, six, seven, eight, nine, ten."),
    )
    """``(instant, text)`` of what is said; words of :data:`genlock.synth.lexicon.LEXICON`. Empty: nobody speaks."""
    flashes: tuple[Exact, ...] = ("0.413", "5.757", "12.087")
    """Instants of the flashes with a beep, increasing; on no frame's edge, so that they prove something."""
    flash_seconds: Exact = Fraction(1, 10)
    """How long a flash lasts."""
    offset_seconds: Exact = 0
    """How early the sound is against the picture (positive: early, negative: late), in seconds."""
    picture_start: Exact = 0
    """Instant of the first frame on the media clock, in seconds."""
    sound_start: Exact = 0
    """Instant of the first sample on the media clock, in seconds; rounded to the nearest sample period."""
    show_words: bool = True
    """Write each word into the picture while it is spoken."""
    voice: VoiceOptions = field(default_factory=VoiceOptions)
    """How to speak; its sample rate, pauses, peak and room are the card's own."""
    quality: int = 18
    """CRF of H.264, 0 (lossless) ... 51."""
    sound_bit_rate: int = 128000
    """Bits per second of AAC."""
    room_decibels: float = -56.0
    """RMS of the room's quiet noise in dB of full scale, -120...-20."""
    seed: int = 2
    """Seed of the frame durations and the room's noise; not below zero."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", exact_rate(self.rate))
        for name in ("duration_seconds", "flash_seconds", "offset_seconds", "picture_start", "sound_start"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        object.__setattr__(self, "lines", tuple((exact(at), text) for at, text in self.lines))
        object.__setattr__(self, "flashes", tuple(exact(at) for at in self.flashes))
        if not 0 < self.duration_seconds <= 4 * 3600:
            raise OptionError(f"duration_seconds={self.duration_seconds} lies outside 0...14400")
        if self.rate > 1000 or self.rate * 2 * self.duration_seconds > HIGHEST_NUMBER:
            raise OptionError(f"{self.rate} frames per second for {self.duration_seconds} s are too many frames")
        if self.flash_seconds <= 0 or self.seed < 0 or not 0 <= self.quality <= 51:
            raise OptionError(
                f"flash_seconds={self.flash_seconds} must be above 0, seed={self.seed} not below 0, "
                f"quality={self.quality} in 0...51"
            )
        gaps = [b - a for a, b in zip(self.flashes, self.flashes[1:], strict=False)]
        if any(gap <= self.flash_seconds for gap in gaps):
            raise OptionError(f"flashes must increase by more than flash_seconds={float(self.flash_seconds)}")


@dataclass(frozen=True)
class CardTruth:
    """Everything that was planted. Sound lies at the instants at which it is heard, picture at those it is seen."""

    offset_seconds: Fraction
    """Sound early (positive) or late against the picture, exactly."""
    cells: Cells
    """The frames: when each is shown."""
    frame_count: int
    """How many there are."""
    sound_rate: int
    """Samples per second."""
    sound_start: Fraction
    """Instant of sample 0."""
    sound_samples: int
    """How many there are."""
    phones: Spans
    """ARPAbet phones and pauses, as heard."""
    words: Spans
    """Words, as heard."""
    beeps: Spans
    """Beeps, as heard."""
    flashes: Spans
    """Flashes: the instants at which the event happens. It shows from the frame that contains the start."""
    flash_frames: tuple[int, ...]
    """The first frame of each flash."""
    closures: Spans
    """When the lips are shut in /p b m/, as seen."""
    aperture: Track
    """Opening of the mouth in each frame, 0...1, at its middle."""
    mouth_width: Track
    """Width of the mouth in each frame, 0...1, at its middle."""
    hand_turns: Track
    """The clock's hand in each frame, in turns 0...1 clockwise from the top, at its middle."""

    @property
    def clock(self) -> str:
        """Name of the media clock that all this lies on."""
        return self.cells.clock

    @property
    def transcript(self) -> str:
        """What is said, on one line."""
        return " ".join(word.label for word in self.words)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`load_truth` reads it."""
        return {
            "kind": "card truth", "clock": self.clock, "offset_seconds": fraction_text(self.offset_seconds),
            "cells": self.cells.to_dict(), "frame_count": self.frame_count, "sound_rate": self.sound_rate,
            "sound_start": fraction_text(self.sound_start), "sound_samples": self.sound_samples,
            "phones": self.phones.to_dict(), "words": self.words.to_dict(), "beeps": self.beeps.to_dict(),
            "flashes": self.flashes.to_dict(), "flash_frames": list(self.flash_frames),
            "closures": self.closures.to_dict(), "aperture": self.aperture.values.tolist(),
            "mouth_width": self.mouth_width.values.tolist(), "hand_turns": self.hand_turns.values.tolist(),
            "transcript": self.transcript,
        }  # fmt: skip

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(target, self.to_dict())

    def __str__(self) -> str:
        early = float(self.offset_seconds)
        sync = "in sync" if early == 0 else f"sound {1000 * abs(early):g} ms {'early' if early > 0 else 'late'}"
        return (
            f"test card of {self.frame_count} frames ({self.cells}), {len(self.words)} words, "
            f"{len(self.flashes)} flashes, {sync}"
        )


def load_truth(path: str | os.PathLike[str]) -> CardTruth:
    """Read what :meth:`CardTruth.save` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    data: dict[str, Any] = read_json_file(path)
    cells = cells_from_dict(data["cells"])

    def track(key: str, name: str) -> Track:
        return Track(np.array(data[key], np.float64), cells, name=name)

    return CardTruth(
        exact(data["offset_seconds"]), cells, data["frame_count"], data["sound_rate"], exact(data["sound_start"]),
        data["sound_samples"], spans_from_dict(data["phones"]), spans_from_dict(data["words"]),
        spans_from_dict(data["beeps"]), spans_from_dict(data["flashes"]), tuple(data["flash_frames"]),
        spans_from_dict(data["closures"]), track("aperture", "aperture"), track("mouth_width", "mouth width"),
        track("hand_turns", "hand"),
    )  # fmt: skip


def make_card(target: str | os.PathLike[str], options: CardOptions | None = None) -> CardTruth:
    """Write the talking test card as H.264 and AAC, and return what is planted in it.

    Parameters
    ----------
    target : path ending in ``.mp4``, ``.mov`` or ``.mkv``; written atomically
    options : CardOptions, optional

    Returns
    -------
    CardTruth
        On the media clock of the file that was written.

    Raises
    ------
    OptionError
        If the options do not fit each other: a word before the sound starts, say.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> short = CardOptions(width=160, height=120, rate=25, duration_seconds=1, lines=(), flashes=("0.5",))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = make_card(f"{folder}/card.mp4", short)
    >>> truth.flash_frames, truth.frame_count
    ((12,), 25)
    """
    how = options or CardOptions()
    if Path(target).suffix.lower() not in (".mp4", ".mov", ".m4v", ".mkv"):
        raise OptionError(f"{str(target)!r} must end in .mp4, .mov or .mkv: the card is H.264 with AAC")
    truth, frames, samples = render_card(how)
    encode(target, _picture(how, truth, frames), Sound(
        samples, how.sound_rate, truth.sound_start, "aac", bit_rate=how.sound_bit_rate,
    ))  # fmt: skip
    return _on_clock(truth, clock_of(target))


def render_card(options: CardOptions) -> tuple[CardTruth, Iterator[Pixels], npt.NDArray[np.float32]]:
    """The card before it is encoded: its truth, its frames (RGB uint8 [height, width, 3], one at a time), its sound.

    >>> truth, frames, samples = render_card(CardOptions(lines=(), flashes=(), duration_seconds=1))
    >>> next(frames).shape, samples.shape
    ((480, 854, 3), (48000,))
    """
    how = options
    sound_start = Fraction(round_fraction(how.sound_start * how.sound_rate, "nearest"), how.sound_rate)
    zero = max(how.picture_start, sound_start)
    end = zero + how.duration_seconds
    cells, count = _cells(how, end)
    samples = round_fraction((end - sound_start) * how.sound_rate, "floor")
    speeches = _speeches(how, zero, sound_start, end)
    lips = lips_of(speeches, how.offset_seconds)
    truth = _truth(how, zero, cells, count, sound_start, samples, speeches, lips)
    return truth, _frames(how, truth, lips), _sound(how, truth, speeches)


# ---------------------------------------------------------------- time


def _cells(how: CardOptions, end: Fraction) -> tuple[Cells, int]:
    """The frames, from the picture's start until at least the end."""
    if not how.variable_rate:
        grid = Grid(how.rate, how.picture_start)
        return grid, max(1, grid.index(end, "ceil"))
    random = np.random.default_rng(how.seed)
    half = how.rate * 2 * _TICK  # half a nominal frame is 1/half ticks
    first = how.picture_start / _TICK
    if first.denominator != 1:
        raise OptionError(f"picture_start={how.picture_start} must be a multiple of 1/90000 s with a variable rate")
    halves = np.concatenate([[0], np.cumsum(random.integers(1, 5, size=round_fraction(
        (end - how.picture_start) * how.rate * 2, "ceil") + 1))])  # fmt: skip
    stamps = [int(first) + round_fraction(int(n) / half, "nearest") for n in halves]
    count = max(1, next(k for k, stamp in enumerate(stamps) if stamp * _TICK >= end))
    return Ticks(stamps[:count], _TICK, stamps[count] - stamps[count - 1]), count


def _speeches(how: CardOptions, zero: Fraction, sound_start: Fraction, end: Fraction) -> list[Speech]:
    speeches: list[Speech] = []
    voice = VoiceOptions(
        how.sound_rate, how.voice.speed, how.voice.pitch_hz, 0, 0, _VOICE_PEAK, None, how.voice.seed
    )
    done = sound_start
    for at, text in how.lines:
        # Heard earlier by the offset, on a whole sample.
        heard = zero + at - how.offset_seconds
        first = round_fraction((heard - sound_start) * how.sound_rate, "nearest")
        speech = speak(text, voice, origin=sound_start + Fraction(first, how.sound_rate))
        if speech.origin < done or speech.phones[-1].end > end:
            raise OptionError(
                f"the line {text!r} at {float(at):g} s would sound from {float(speech.origin):.3f} s to "
                f"{float(speech.phones[-1].end):.3f} s, but there is room from {float(done):.3f} s to "
                f"{float(end):.3f} s: move it, or make the card longer"
            )
        done = speech.phones[-1].end
        speeches.append(speech)
    return speeches


def _truth(
    how: CardOptions, zero: Fraction, cells: Cells, count: int, sound_start: Fraction, samples: int,
    speeches: list[Speech], lips: Lips,
) -> CardTruth:  # fmt: skip
    sound_end = sound_start + Fraction(samples, how.sound_rate)
    flashes = [Span(zero + at, zero + at + how.flash_seconds, f"flash {n + 1}") for n, at in enumerate(how.flashes)]
    beeps = []
    for flash in flashes:
        heard = flash.start - how.offset_seconds
        if not (sound_start <= heard and heard + exact(_BEEP_SECONDS) <= sound_end and flash.start < cells.edge(count)):
            raise OptionError(
                f"the flash at {float(flash.start - zero):g} s has its beep at {float(heard):.3f} s on the media "
                f"clock, outside the sound ({float(sound_start):.3f} to {float(sound_end):.3f} s): move it inside"
            )
        beeps.append(Span(heard, heard + exact(_BEEP_SECONDS), flash.label.replace("flash", "beep")))
    aperture, width = lips.on(cells, count)
    return CardTruth(
        how.offset_seconds, cells, count, how.sound_rate, sound_start, samples,
        _phones(speeches, sound_start, sound_end),
        Spans([word for speech in speeches for word in speech.words], name="words"),
        Spans(beeps, name="beeps"), Spans(flashes, name="flashes"),
        tuple(cells.index(flash.start, "floor") for flash in flashes),
        Spans(_lip_closures(speeches, how.offset_seconds), name="closures"), aperture, width,
        Track(np.array([float((cells.center(k) - zero) % 1) for k in range(count)]), cells, name="hand", unit="turns"),
    )  # fmt: skip


def _phones(speeches: list[Speech], start: Fraction, end: Fraction) -> Spans:
    """The phones of all lines, with a pause wherever nobody speaks, from the sound's start to its end."""
    items: list[Span] = []
    done = start
    for span in [*(span for speech in speeches for span in speech.phones), Span(end, end)]:
        if span.start > done:
            items.append(Span(done, span.start, "SIL"))
        if span.duration:
            items.append(span)
        done = span.end
    return Spans(items, name="phones")


def _lip_closures(speeches: list[Speech], shift: Fraction) -> list[Span]:
    shut = {"P", "B", "M"}
    return [span for speech in speeches for span in speech.closures.shifted(shift) if span.label in shut]


def _on_clock(truth: CardTruth, clock: str) -> CardTruth:
    def moved(spans: Spans) -> Spans:
        return Spans(spans.items, clock, spans.name)

    cells = truth.cells.on_clock(clock)

    def track(old: Track) -> Track:
        return Track(old.values, cells, name=old.name, unit=old.unit)

    return CardTruth(
        truth.offset_seconds, cells, truth.frame_count, truth.sound_rate, truth.sound_start, truth.sound_samples,
        moved(truth.phones), moved(truth.words), moved(truth.beeps), moved(truth.flashes), truth.flash_frames,
        moved(truth.closures), track(truth.aperture), track(truth.mouth_width), track(truth.hand_turns),
    )  # fmt: skip


# ---------------------------------------------------------------- picture and sound


def _frames(how: CardOptions, truth: CardTruth, lips: Lips) -> Iterator[Pixels]:
    card = Card(how.width, how.height, f"{how.width} x {how.height}   {_rate_text(how)}")
    lit = np.zeros(truth.frame_count, bool)
    for flash in truth.flashes:
        shown = truth.cells.cells(flash.start, flash.end, "touched")
        lit[max(shown.start, 0) : shown.stop] = True
    seen = truth.words.shifted(how.offset_seconds)
    word_at = seen.on(truth.cells, truth.frame_count)
    eyes = _eyes(truth)
    for k in range(truth.frame_count):
        yield card.draw(
            CardState(
                k, _label(how, truth.cells, k), Fraction(float(truth.hand_turns.values[k])),
                float(truth.aperture.values[k]), float(truth.mouth_width.values[k]), bool(lit[k]),
                seen[int(word_at[k])].label if how.show_words and word_at[k] >= 0 else "", float(eyes[k]),
            )
        )  # fmt: skip


def _rate_text(how: CardOptions) -> str:
    return "variable rate" if how.variable_rate else f"{fraction_text(how.rate)} fps"


def _label(how: CardOptions, cells: Cells, k: int) -> str:
    if not how.variable_rate:
        drop = how.rate in (Fraction(30000, 1001), Fraction(60000, 1001))
        return str(Timecode(k, how.rate, drop))
    milliseconds = round_fraction((cells.edge(k) - cells.edge(0)) * 1000, "floor")
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{milliseconds:03d}"


def _eyes(truth: CardTruth) -> npt.NDArray[np.float64]:
    """A blink of a sixth of a second every three to four seconds."""
    centers = truth.cells.centers(truth.frame_count) - float(truth.cells.edge(0))
    openness = np.ones(truth.frame_count)
    for at in np.cumsum(np.tile([2.6, 3.4, 3.1, 3.8], int(centers[-1] // 12.9) + 1)) if len(centers) else ():
        openness = np.minimum(openness, np.clip(np.abs(centers - at) / 0.08 - 0.25, 0, 1))
    return openness


def _sound(how: CardOptions, truth: CardTruth, speeches: list[Speech]) -> npt.NDArray[np.float32]:
    out = room_noise(truth.sound_samples, how.sound_rate, how.room_decibels, how.seed)
    for speech in speeches:
        first = round_fraction((speech.origin - truth.sound_start) * how.sound_rate, "nearest")
        out[first : first + len(speech.samples)] += speech.samples
    for span in truth.beeps:
        out += beep(
            len(out), how.sound_rate, span.start, origin=truth.sound_start, seconds=_BEEP_SECONDS, level=_BEEP_LEVEL
        )
    return np.clip(out, -1, 1).astype(np.float32)


def _picture(how: CardOptions, truth: CardTruth, frames: Iterator[Pixels]) -> Picture:
    # A key frame about once a second: players can jump, and a cut needs little work.
    settings = {"crf": str(how.quality), "preset": "veryfast", "g": str(round_fraction(how.rate, "ceil"))}
    if isinstance(truth.cells, Ticks):
        return Picture(
            frames, how.rate, pts=truth.cells.pts.tolist(), time_base=truth.cells.time_base, codec="libx264",
            options=settings,
        )  # fmt: skip
    return Picture(frames, how.rate, truth.cells.start, codec="libx264", options=settings)
