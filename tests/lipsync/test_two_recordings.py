"""Two recordings of one event: offset and drift planted and recovered."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.core.warp import Warp
from genlock.lipsync.two_recordings import match_sounds
from genlock.media import Sound, encode, read_audio
from genlock.media.sound_source import TrackSound
from genlock.synth.corrupt import stretched
from genlock.synth.signals.sounds import music, room_noise
from genlock.synth.voice.speak import VoiceOptions, speak

RATE = 16000


@cache
def a_sentence() -> np.ndarray:
    options = VoiceOptions(rate=RATE)
    return speak("Genlock puts the sound and the picture on one exact clock.", options).samples.astype(float)


def an_event(seconds: int, seed: int = 0) -> np.ndarray:
    """Speech and music, as a room would have it."""
    spoken = (
        speak("Genlock puts the sound and the picture of a video on one exact clock.")
        .samples[::3]
        .astype(float)
    )
    sound = music(seconds * RATE, RATE, seed, level=0.05)
    for first in range(RATE * (1 + seed % 3), len(sound) - len(spoken), len(spoken) + RATE):
        sound[first : first + len(spoken)] += spoken
    return sound


def in_a_room(sound: np.ndarray, seed: int) -> np.ndarray:
    """Through another microphone: reflections, another gain, noise."""
    draw = np.random.default_rng(seed)
    echo = np.zeros(2000)
    echo[0] = 1.0
    echo[draw.integers(100, 2000, 12)] = draw.uniform(-0.4, 0.4, 12)
    wet = np.convolve(sound, echo)[: len(sound)]
    return np.asarray(draw.uniform(0.1, 2) * wet + room_noise(len(sound), RATE, -50, seed))


def as_sound(samples: np.ndarray, origin: Fraction = Fraction(0)) -> TrackSound:
    return TrackSound(Track(samples.astype(np.float32), Grid.of_samples(RATE, origin)))


@pytest.mark.parametrize(("offset", "drift"), [("0.12345", 0), ("-7.5002", 145), ("31.4159", -1000)])
def test_offset_and_drift_are_recovered(offset: str, drift: int) -> None:
    event = an_event(75)
    warp = Warp.sync(offset, drift, at=20)  # from ours to theirs
    times = np.arange(30 * RATE) / RATE
    theirs, _ = warp.map(times)
    begin = 3 if float(offset) > -3 else 12  # their clock's zero is so far into the event
    ours = stretched(event, (theirs + begin) * RATE)
    other = event[begin * RATE :]
    found = match_sounds(as_sound(in_a_room(ours, 1)), as_sound(in_a_room(other, 2)))
    assert found.estimate.offset_seconds is not None
    assert found.estimate.interval_seconds is not None
    truth = float(warp.offset_at(found.at))
    assert found.estimate.offset_seconds == pytest.approx(truth, abs=5e-4)
    assert found.drift_ppm == pytest.approx(drift, abs=10)


def test_the_origins_of_both_clocks_count() -> None:
    event = an_event(30)
    here = as_sound(event, Fraction(7, 5))
    there = as_sound(event[RATE:], Fraction(-1, 3))
    found = match_sounds(here, there).estimate.offset_seconds
    # What lies at 7/5 + t here lies at -1/3 + t - 1 there.
    assert found == pytest.approx(-1 / 3 - 1 - 7 / 5, abs=1e-4)


def test_sounds_of_different_events_say_nothing() -> None:
    for seed in (1, 2, 3):
        one, two = an_event(25, 10 + seed), music(25 * RATE, RATE, 20 + seed)
        found = match_sounds(as_sound(one), as_sound(two))
        assert found.estimate.offset_seconds is None
        assert "nothing in common" in found.estimate.reason or "no finer lag" in found.estimate.reason
    noise = [room_noise(20 * RATE, RATE, -20, seed) for seed in (1, 2)]
    assert match_sounds(as_sound(noise[0]), as_sound(noise[1])).estimate.offset_seconds is None


def test_silence_short_sounds_and_other_rates() -> None:
    event = an_event(10)
    assert match_sounds(as_sound(np.zeros(5 * RATE)), as_sound(event)).estimate.offset_seconds is None
    assert "less than a second" in match_sounds(as_sound(event[:1000]), as_sound(event)).estimate.reason
    with pytest.raises(OptionError, match="one rate"):
        match_sounds(as_sound(event), TrackSound(Track(event, Grid.of_samples(8000))))


def test_through_files_of_different_codecs(tmp_path: Path) -> None:
    event = an_event(25)
    encode(tmp_path / "a.mp3", sound=Sound(event[4000:], RATE, codec="libmp3lame", bit_rate=64000))
    encode(tmp_path / "b.ogg", sound=Sound(in_a_room(event, 3), RATE, codec="libopus", start=0))
    tracks = [TrackSound(read_audio(tmp_path / name, rate=RATE)) for name in ("a.mp3", "b.ogg")]
    assert match_sounds(*tracks).estimate.offset_seconds == pytest.approx(0.25, abs=5e-4)
    assert match_sounds(*tracks[::-1]).estimate.offset_seconds == pytest.approx(-0.25, abs=5e-4)


def cut_out(sound: np.ndarray, first: float, last: float) -> np.ndarray:
    return np.concatenate([sound[: round(first * RATE)], sound[round(last * RATE) :]])


@pytest.mark.parametrize("whose", ["other", "own"])
def test_a_hole_in_either_recording_makes_two_segments(whose: str) -> None:
    event = an_event(70)
    one, other = in_a_room(event, 1), in_a_room(event, 2)
    if whose == "other":
        found = match_sounds(as_sound(one), as_sound(cut_out(other, 28, 32)))
        wanted, at = [0.0, -4.0], 28
    else:
        found = match_sounds(as_sound(cut_out(one, 28, 32)), as_sound(other))
        wanted, at = [0.0, 4.0], 28
    assert [s.offset_seconds for s in found.segments] == pytest.approx(wanted, abs=1e-3)
    assert at - 1 <= float(found.segments[1].start) <= 33
    assert "the offset jumps" in found.notes[0]
    assert (found.estimate.probability or 0) > 0.5


@pytest.mark.parametrize("speed", [1.003, 147 / 160, 1.1])
def test_the_same_recording_at_another_speed_is_read_off(speed: float) -> None:
    event = an_event(70)
    ours = stretched(event, np.arange(round(60 * RATE / speed)) * speed)  # runs fast by so much
    found = match_sounds(as_sound(in_a_room(ours, 1)), as_sound(in_a_room(event, 2)))
    assert found.drift_ppm == pytest.approx(1e6 * (speed - 1), abs=20)
    assert found.drift_interval_ppm is not None
    truth = (speed - 1) * float(found.at)
    assert found.estimate.offset_seconds == pytest.approx(truth, abs=2e-3)
    assert found.notes[0].startswith("the same recording at another speed: the sound runs")
    assert found.notes[0].endswith(f"% {'slow' if speed < 1 else 'fast'}")
