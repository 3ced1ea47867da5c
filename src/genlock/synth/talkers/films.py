"""One talker as a film: the voice speaks, the face moves with it, both are encoded at stated instants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from genlock.core.errors import OutputError
from genlock.core.files import atomic_path, write_text
from genlock.core.grid import Cells, Grid
from genlock.core.spans import Span, Spans
from genlock.core.time import exact, round_fraction
from genlock.core.track_file import save_track
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.signals.clips import uneven_ticks
from genlock.synth.signals.sounds import room_noise
from genlock.synth.signals.truth import truth_path
from genlock.synth.talkers.changes import apply_change
from genlock.synth.talkers.plans import TalkerPlan
from genlock.synth.talkers.raster import Pixels
from genlock.synth.talkers.render import FaceRenderer
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.truth import TalkerTruth, talker_path

__all__ = ["make_talker", "render_talker"]

Samples = npt.NDArray[np.float32]

# A hand takes this long to come, and as long to go.
_HAND_SECONDS = Fraction(3, 10)
#: From here on, as a share of its way, it covers the mouth.
_COVERS = 0.5
_ROOM_DECIBELS = -62.0


def make_talker(
    folder: str | os.PathLike[str],
    plan: TalkerPlan,
    *,
    sound_rate: int = 48000,
    film: bool = True,
    landmarks: bool = True,
    tracker_noise: float = 0.0,
) -> TalkerTruth:
    """Write one talker into a folder, with all that is known of it beside it.

    ``NAME.mp4`` (or ``NAME.wav``), ``NAME.txt`` (what is said), ``NAME.talker.json`` (:class:`TalkerTruth`),
    ``NAME.mp4.truth.json`` (its sync, as every clip with a planted offset has it), ``NAME.state.npz`` and
    ``NAME.landmarks.npz`` (Tracks; the landmarks with so much of a tracker's noise).

    Raises
    ------
    OutputError
        If a file cannot be written.
    MissingDependency, MissingModel
        If the voice is not on this machine.
    """
    truth, frames, samples = render_talker(plan, sound_rate=sound_rate)
    target = Path(folder) / f"{plan.name}{'.mp4' if film else '.wav'}"
    if film:
        cells = truth.cells
        timing: dict[str, object] = {"rate": plan.rate, "start": cells.edge(0)}
        if not isinstance(cells, Grid):
            timing = {"rate": plan.rate, "pts": cells.pts.tolist(), "time_base": cells.time_base}
        encode(
            target,
            Picture(
                frames,
                codec="libx264",
                options={"crf": str(plan.quality), "preset": "veryfast"},
                **timing,  # type: ignore[arg-type]
            ),
            Sound(samples, sound_rate, 0, "aac", bit_rate=96000),
        )
    else:
        _write_wav(target, samples, sound_rate)
    truth = truth.on_clock(clock_of(target))
    save_track(truth.state(), target.with_suffix(".state.npz"))
    if landmarks:
        save_track(truth.landmarks(tracker_noise), target.with_suffix(".landmarks.npz"))
    write_text(target.with_suffix(".txt"), truth.text + "\n")
    truth.sync().save(truth_path(target))
    truth.save(talker_path(target))
    return truth


def render_talker(
    plan: TalkerPlan, *, sound_rate: int = 48000
) -> tuple[TalkerTruth, Iterator[Pixels], Samples]:
    """A talker before it is encoded: truth, frames (RGB uint8 [H, W, 3], one at a time) and sound [n].

    The frames are drawn only if they are asked for. Both streams begin at 0 and last equally long.
    """
    spoken = speak(plan.words, plan.voice, plan.manner)
    if plan.change is not None:
        spoken = apply_change(spoken, plan.change)
    length = Fraction(len(spoken.sound), spoken.rate)
    # Seen where it was spoken; heard earlier by the offset.
    earlier = -plan.offset_seconds
    heard = [spans.shifted(earlier) for spans in (spoken.phones, spoken.words, spoken.lips_shut)]
    cells, count = _cells(plan, length)
    samples = _placed(spoken.samples, spoken.rate, sound_rate, earlier, length, plan.seed)
    truth = TalkerTruth(
        text=spoken.text,
        phones=heard[0],
        words=heard[1],
        closures=heard[2],
        offset_seconds=plan.offset_seconds,
        cells=cells,
        frame_count=count,
        sound_rate=sound_rate,
        hidden=_hidden(plan, spoken.words),
        speaker=plan.speaker,
        look=plan.look,
        camera=plan.camera,
        person=plan.person,
        voice=spoken.voice,
        engine=spoken.engine,
        licence=spoken.licence,
        phone_accuracy_seconds=spoken.phone_accuracy_seconds,
        changes=spoken.changes,
        seed=plan.seed,
    )
    return truth, _frames(truth), samples


def _cells(plan: TalkerPlan, length: Fraction) -> tuple[Cells, int]:
    if plan.variable_rate:
        ticks = uneven_ticks(plan.rate, 0, length, plan.seed)
        return ticks, len(ticks)
    grid = Grid(plan.rate)
    return grid, max(2, grid.index(length, "floor"))


def _placed(
    samples: Samples, own_rate: int, rate: int, start: Fraction, length: Fraction, seed: int
) -> Samples:
    """The speech at another rate, from an instant on, in the noise of a quiet room that lasts from 0 to the end."""
    sound = np.asarray(
        samples if own_rate == rate else soxr.resample(samples, own_rate, rate, quality="HQ"), np.float64
    )
    count = round_fraction(length * rate, "floor")
    out = np.asarray(room_noise(count, rate, _ROOM_DECIBELS, seed), np.float64)
    # A start between two samples is kept by moving the sound by a fraction of one.
    whole = round_fraction(start * rate, "floor")
    sound = _delayed(sound, float(start * rate - whole))
    first, stop = max(whole, 0), min(whole + len(sound), count)
    out[first:stop] += sound[first - whole : stop - whole]
    return np.clip(out, -1, 1).astype(np.float32)


def _delayed(sound: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """Sound later by a share of a sample, 0...1, through its spectrum."""
    if not share:
        return sound
    padded = np.concatenate([np.zeros(64), sound, np.zeros(64 + len(sound) % 2)])
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(padded)) * share)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * turn, len(padded))[64 : 64 + len(sound) + 1])


def _hidden(plan: TalkerPlan, words: Spans) -> Spans:
    """When the hand covers the mouth, on the picture's clock."""
    if plan.hand is None or not len(words):
        return Spans(name="hidden")
    start, end = words[0].start, words[-1].end
    first, last = (start + exact(str(round(share, 3))) * (end - start) for share in plan.hand)
    return Spans([Span(first, last, "hand")], words.clock, "hidden")


def _frames(truth: TalkerTruth) -> Iterator[Pixels]:
    renderer = FaceRenderer(truth.speaker, truth.look, truth.camera)
    states = truth.state().values
    hands = _hand_at(truth, truth.cells.centers(truth.frame_count))
    for number, (state, hand) in enumerate(zip(states, hands.tolist(), strict=True)):
        yield renderer.draw(state, number, hand)


def _hand_at(truth: TalkerTruth, instants: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far the hand is before the mouth at instants, 0...1; it covers the mouth within the truth's ``hidden``."""
    out = np.zeros(len(instants))
    way = float(_HAND_SECONDS)
    for span in truth.hidden:
        # At the edges of the span it has come far enough to cover.
        coming = (instants - float(span.start)) / way + _COVERS
        going = (float(span.end) - instants) / way + _COVERS
        share = np.clip(np.minimum(coming, going), 0, 1)
        out = np.maximum(out, share * share * (3 - 2 * share))
    return out


def _write_wav(target: Path, samples: Samples, rate: int) -> None:
    with atomic_path(target) as temporary:
        try:
            soundfile.write(temporary, samples, rate, subtype="PCM_16")
        except soundfile.SoundFileError as error:
            raise OutputError(f"cannot write {str(target)!r}: {error}") from error
