"""The talking test card: a film of which everything is known, to the sample and to the frame.

:func:`make_card` writes it and returns its truth: the phones and words of the sound, how far the mouth stands
open in each frame, the instants of the flashes and beeps. An offset between sound and picture can be planted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, exact_rate, fraction_text, round_fraction
from genlock.core.timecode import Timecode
from genlock.core.track import Track
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.card.barcode import HIGHEST_NUMBER
from genlock.synth.card.picture import Card, CardState
from genlock.synth.card.truth import CardTruth
from genlock.synth.signals.sounds import beep, room_noise
from genlock.synth.voice.lips import lips_of
from genlock.synth.voice.phones import PHONES, SILENCE
from genlock.synth.voice.speak import Speech, VoiceOptions, speak

__all__ = ["CardOptions", "make_card", "render_card"]

Pixels = npt.NDArray[np.uint8]

_TICK = Fraction(1, 90000)  # of a variable rate
_BEEP_SECONDS = Fraction(1, 10)
_BEEP_LEVEL, _VOICE_PEAK = 0.4, 0.6


@dataclass(frozen=True)
class CardOptions:
    """What the test card shows and says.

    Instants are seconds of the picture, counted from the moment when both streams run: the later of the two
    starts.

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
    """``(instant, text)`` of what is said, in words of ``genlock.synth.voice.lexicon.LEXICON``."""
    flashes: tuple[Exact, ...] = ("0.413", "5.757", "12.087")
    """Instants of the flashes with a beep, increasing; on no frame's edge, so that they prove something."""
    flash_seconds: Exact = Fraction(1, 10)
    """How long a flash lasts."""
    offset_seconds: Exact = 0
    """How early the sound is against the picture (positive: early, negative: late), in seconds."""
    picture_start: Exact = 0
    """Instant of the first frame on the media clock, in seconds, not below zero."""
    sound_start: Exact = 0
    """Instant of the first sample on the media clock, in seconds, not below zero; put on a whole sample."""
    show_words: bool = True
    """Write each word into the picture while it is spoken."""
    speed: float = 1.0
    """The voice's tempo, 0.5...2; 1 is about 150 words a minute."""
    pitch_hz: float = 112.0
    """The voice's mean fundamental frequency in Hz, 60...300."""
    quality: int = 18
    """CRF of H.264, 0 (lossless) ... 51."""
    sound_bit_rate: int = 128000
    """Bits per second of AAC."""
    room_decibels: float = -56.0
    """RMS of the room's quiet noise in dB of full scale, -120...-20."""
    seed: int = 2
    """Seed of the frame durations and the room's noise; not below zero."""

    def __post_init__(self) -> None:
        rate, duration = exact_rate(self.rate), exact(self.duration_seconds)
        object.__setattr__(self, "rate", rate)
        for name in ("duration_seconds", "flash_seconds", "offset_seconds", "picture_start", "sound_start"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        flashes = tuple(exact(at) for at in self.flashes)
        object.__setattr__(self, "flashes", flashes)
        object.__setattr__(self, "lines", tuple((exact(at), text) for at, text in self.lines))
        if not 0 < duration <= 4 * 3600:
            raise OptionError(f"duration_seconds={duration} lies outside 0...14400")
        if rate > 1000 or rate * 2 * duration > HIGHEST_NUMBER:
            raise OptionError(
                f"{rate} frames per second for {duration} s are more than {HIGHEST_NUMBER // 2}"
            )
        if not 8000 <= self.sound_rate <= 192000 or not -120 <= self.room_decibels <= -20:
            raise OptionError(
                f"sound_rate={self.sound_rate} must lie in 8000...192000, "
                f"room_decibels={self.room_decibels} in -120...-20"
            )
        if min(exact(self.picture_start), exact(self.sound_start)) < 0:
            raise OptionError(
                f"picture_start={self.picture_start} and sound_start={self.sound_start} must not be below "
                "zero: MP4 cuts off what lies there and Matroska moves it"
            )
        if self.seed < 0 or not 0 <= self.quality <= 51:
            raise OptionError(f"seed={self.seed} must not be below 0, quality={self.quality} in 0...51")
        length = exact(self.flash_seconds)
        if length <= 0 or any(b - a <= length for a, b in pairwise(flashes)):
            raise OptionError(f"flashes must lie more than flash_seconds={length} apart, which is above 0")


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
    encode(
        target,
        _picture(how, truth, frames),
        Sound(samples, how.sound_rate, truth.sound_start, "aac", bit_rate=how.sound_bit_rate),
    )
    return truth.on_clock(clock_of(target))


def render_card(
    options: CardOptions | None = None,
) -> tuple[CardTruth, Iterator[Pixels], npt.NDArray[np.float32]]:
    """The card before it is encoded: truth, frames (RGB uint8 [height, width, 3], one at a time), sound [n].

    >>> truth, frames, samples = render_card(CardOptions(lines=(), flashes=(), duration_seconds=1))
    >>> next(frames).shape, samples.shape
    ((480, 854, 3), (48000,))
    """
    how = options or CardOptions()
    plan = _Plan(how)
    speeches = _speeches(how, plan)
    truth = _truth(how, plan, speeches)
    return truth, _frames(how, plan, truth), _sound(how, truth, speeches)


# ---------------------------------------------------------------- time


class _Plan:
    """The instants of a card, exactly, on the media clock."""

    def __init__(self, how: CardOptions) -> None:
        self.sound_rate = how.sound_rate
        self.rate = exact_rate(how.rate)
        self.offset = exact(how.offset_seconds)
        self.picture_start = exact(how.picture_start)
        self.sound_start = self.on_sample(exact(how.sound_start))
        self.zero = max(self.picture_start, self.sound_start)
        self.cells: Cells
        self.end = self.zero + exact(how.duration_seconds)
        self.samples = round_fraction((self.end - self.sound_start) * how.sound_rate, "floor")
        self.sound_end = self.sound_start + Fraction(self.samples, how.sound_rate)
        self.flashes = [self.zero + exact(at) for at in how.flashes]
        self.flash_length = exact(how.flash_seconds)
        if how.variable_rate:
            self.cells, self.frames = self._uneven(how.seed)
        else:
            grid = Grid(self.rate, self.picture_start)
            self.cells, self.frames = grid, max(1, grid.index(self.end, "ceil"))

    def on_sample(self, instant: Fraction) -> Fraction:
        """The nearest multiple of the sample period."""
        return Fraction(round_fraction(instant * self.sound_rate, "nearest"), self.sound_rate)

    def _uneven(self, seed: int) -> tuple[Ticks, int]:
        """Frames of 1/2, 1, 3/2 or 2 nominal durations, until at least the end."""
        first = self.picture_start / _TICK
        if first.denominator != 1:
            raise OptionError(
                f"picture_start={self.picture_start} must be a multiple of 1/90000 s with a variable rate"
            )
        halves = round_fraction((self.end - self.picture_start) * self.rate * 2, "ceil")
        edges = np.cumsum([0, *np.random.default_rng(seed).integers(1, 5, size=halves + 1)])
        ticks = [int(first) + round_fraction(int(n) / (2 * self.rate * _TICK), "nearest") for n in edges]
        # The last frame lasts a nominal one: that is all that a stream can state of it.
        last = round_fraction(1 / (self.rate * _TICK), "nearest")
        count = 1 + next(k for k, tick in enumerate(ticks) if (tick + last) * _TICK >= self.end)
        return Ticks(ticks[:count], _TICK, last), count


def _speeches(how: CardOptions, plan: _Plan) -> list[Speech]:
    voice = VoiceOptions(
        rate=how.sound_rate,
        speed=how.speed,
        pitch_hz=how.pitch_hz,
        lead_seconds=0,
        tail_seconds=0,
        peak=_VOICE_PEAK,
        room_decibels=None,
    )
    speeches: list[Speech] = []
    done = plan.sound_start
    for at, text in how.lines:
        # Heard earlier by the offset, on a whole sample.
        speech = speak(text, voice, origin=plan.on_sample(plan.zero + exact(at) - plan.offset))
        end = speech.phones[-1].end
        if speech.origin < done or end > plan.sound_end:
            raise OptionError(
                f"the line {text!r} at {float(exact(at)):g} s would sound from {float(speech.origin):.3f} to "
                f"{float(end):.3f} s, but there is room from {float(done):.3f} to "
                f"{float(plan.sound_end):.3f} s: move it, or make the card longer"
            )
        done = end
        speeches.append(speech)
    return speeches


def _truth(how: CardOptions, plan: _Plan, speeches: list[Speech]) -> CardTruth:
    cells, count = plan.cells, plan.frames
    aperture, width = lips_of(speeches, plan.offset).on(cells, count)
    turns = np.array([float((cells.center(k) - plan.zero) % 1) for k in range(count)])
    return CardTruth(
        offset_seconds=plan.offset,
        cells=cells,
        frame_count=count,
        sound_rate=how.sound_rate,
        sound_start=plan.sound_start,
        sound_samples=plan.samples,
        phones=_phones(speeches, plan.sound_start, plan.sound_end),
        words=Spans([word for speech in speeches for word in speech.words], name="words"),
        beeps=_beeps(plan),
        flashes=Spans(
            [Span(at, at + plan.flash_length, f"flash {n + 1}") for n, at in enumerate(plan.flashes)],
            name="flashes",
        ),
        flash_frames=tuple(cells.index(at, "floor") for at in plan.flashes),
        closures=Spans(_lip_closures(speeches, plan.offset), name="closures"),
        aperture=aperture,
        mouth_width=width,
        hand_turns=Track(turns, cells, name="hand turns", unit="turns"),
    )


def _beeps(plan: _Plan) -> Spans:
    items = []
    for n, seen in enumerate(plan.flashes):
        heard = Span(seen - plan.offset, seen - plan.offset + _BEEP_SECONDS, f"beep {n + 1}")
        inside = plan.sound_start <= heard.start and heard.end <= plan.sound_end
        if not inside or not plan.picture_start <= seen < plan.cells.edge(plan.frames):
            raise OptionError(
                f"flash {n + 1} at {float(seen - plan.zero):g} s sounds at {float(heard.start):.3f} s of the "
                f"media clock, not inside {float(plan.sound_start):.3f} to {float(plan.sound_end):.3f} s: "
                "move it"
            )
        items.append(heard)
    return Spans(items, name="beeps")


def _phones(speeches: list[Speech], start: Fraction, end: Fraction) -> Spans:
    """The phones of all lines, with a pause wherever nobody speaks, from the sound's start to its end."""
    items: list[Span] = []
    done = start
    for span in [*(span for speech in speeches for span in speech.phones), Span(end, end)]:
        if span.start > done:
            items.append(Span(done, span.start, SILENCE))
        if span.duration:
            items.append(span)
        done = span.end
    return Spans(items, name="phones")


def _lip_closures(speeches: list[Speech], shift: Fraction) -> list[Span]:
    shut = {name for name, phone in PHONES.items() if phone.lips_shut}
    return [span for speech in speeches for span in speech.closures.shifted(shift) if span.label in shut]


# ---------------------------------------------------------------- picture and sound


def _frames(how: CardOptions, plan: _Plan, truth: CardTruth) -> Iterator[Pixels]:
    rate = "variable rate" if how.variable_rate else f"{fraction_text(plan.rate)} fps"
    card = Card(how.width, how.height, f"{how.width} x {how.height}   {rate}")
    lit = np.zeros(truth.frame_count, bool)
    for flash in truth.flashes:
        shown = truth.cells.cells(flash.start, flash.end, "touched")
        lit[shown.start : shown.stop] = True
    seen = truth.words.shifted(truth.offset_seconds)
    word_at = seen.on(truth.cells, truth.frame_count).tolist() if how.show_words else [-1] * truth.frame_count
    eyes = _eyes(truth)
    for k in range(truth.frame_count):
        yield card.draw(
            CardState(
                number=k,
                label=_label(truth.cells, k),
                turn=float(truth.hand_turns.values[k]),
                aperture=float(truth.aperture.values[k]),
                width=float(truth.mouth_width.values[k]),
                flash=bool(lit[k]),
                word=seen[word_at[k]].label if word_at[k] >= 0 else "",
                eyes=float(eyes[k]),
            )
        )


def _label(cells: Cells, k: int) -> str:
    """Timecode; of a variable rate, which has none, the time since the first frame to the millisecond."""
    if isinstance(cells, Grid):
        drop = cells.rate in (Fraction(30000, 1001), Fraction(60000, 1001))
        return str(Timecode(k, cells.rate, drop))
    seconds, rest = divmod(round_fraction((cells.edge(k) - cells.edge(0)) * 1000, "floor"), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _eyes(truth: CardTruth) -> npt.NDArray[np.float64]:
    """A blink of a sixth of a second every three to four seconds."""
    centers = truth.cells.centers(truth.frame_count) - float(truth.cells.edge(0))
    openness = np.ones(truth.frame_count)
    rounds = 1 + round_fraction(exact(float(centers[-1])) / 12, "floor")
    for at in np.cumsum([2.6, 3.4, 3.1, 3.8] * rounds):
        openness = np.minimum(openness, np.clip(np.abs(centers - at) / 0.08 - 0.25, 0, 1))
    return openness


def _sound(how: CardOptions, truth: CardTruth, speeches: list[Speech]) -> npt.NDArray[np.float32]:
    out = room_noise(truth.sound_samples, how.sound_rate, how.room_decibels, how.seed)
    for speech in speeches:
        first = round_fraction((speech.origin - truth.sound_start) * how.sound_rate, "nearest")
        out[first : first + len(speech.samples)] += speech.samples
    for span in truth.beeps:
        out += beep(
            len(out),
            how.sound_rate,
            span.start,
            origin=truth.sound_start,
            seconds=float(_BEEP_SECONDS),
            level=_BEEP_LEVEL,
        )
    return np.clip(out, -1, 1).astype(np.float32)


def _picture(how: CardOptions, truth: CardTruth, frames: Iterator[Pixels]) -> Picture:
    # A key frame about once a second: players can jump, and a cut needs little work.
    keys = round_fraction(exact_rate(how.rate), "ceil")
    settings = {"crf": str(how.quality), "preset": "veryfast", "g": str(keys)}
    cells = truth.cells
    if isinstance(cells, Grid):
        return Picture(frames, how.rate, cells.start, codec="libx264", options=settings)
    return Picture(
        frames, how.rate, pts=cells.pts.tolist(), time_base=cells.time_base, codec="libx264", options=settings
    )
