"""Flashes, beeps and what they say together: planted, through real codecs, recovered."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.spans import Span, Spans
from genlock.lipsync.estimators.flash_runs import runs_of
from genlock.lipsync.estimators.flashbeep import FlashBeep, FlashFinder, _differences, pair_events
from genlock.lipsync.evidence.beeps import BeepFinder, _quantile
from genlock.lipsync.evidence.collect import gather
from genlock.media import AudioBlock, VideoCell
from genlock.synth.signals.clips import SignalOptions, make_signal, uneven_ticks
from genlock.synth.signals.sounds import beep, music, room_noise

Frames = list[np.ndarray]


def find_beeps(samples: np.ndarray, rate: int, block: int = 4096, origin: Fraction = Fraction(0)) -> Spans:
    finder = BeepFinder()
    for first in range(0, len(samples), block):
        part = samples[first : first + block, None].astype(np.float32)
        finder.push(AudioBlock(part, rate, origin + Fraction(first, rate), "media"))
    finder.finish()
    return finder.between(-100, 10**6)


def find_flashes(frames: Frames, cells: Cells) -> list[tuple[int, int]]:
    finder = FlashFinder()
    for k, pixels in enumerate(frames):
        finder.push(VideoCell(pixels, k, cells.edge(k), cells.edge(k + 1), "media"))
    finder.finish()
    found = finder.between(-100, 10**6)
    return [(cells.index(f.start, "nearest"), cells.index(f.end, "nearest")) for f in found]


# ---------------------------------------------------------------- beeps


@settings(max_examples=25)
@given(
    at=st.fractions("0.2", "0.9", max_denominator=10**6),
    rate=st.sampled_from([8000, 16000, 44100, 48000]),
    hertz=st.floats(300, 3000),
    seconds=st.sampled_from([0.03, 0.05, 0.1, 0.5]),
    noise=st.sampled_from([-80.0, -55.0, -40.0]),
)
def test_an_onset_is_found_to_a_quarter_of_a_millisecond(
    at: Fraction, rate: int, hertz: float, seconds: float, noise: float
) -> None:
    sound = beep(2 * rate, rate, at, frequency_hz=hertz, seconds=seconds, level=0.3)
    found = find_beeps(sound + room_noise(2 * rate, rate, noise, 1), rate)
    assert len(found) == 1
    # A low tone sets in slowly: of 300 Hz, the first fifth of a millisecond is less than a third of the level.
    assert float(abs(found[0].start - at)) < 0.00025 + 0.05 / hertz


def test_blocks_and_origin_do_not_matter() -> None:
    rate = 16000
    sound = room_noise(6 * rate, rate, -60, 3)
    for at in ("0.41", "1.4995", "2.0003", "3.77", "4.5"):
        sound += beep(6 * rate, rate, at, level=0.2)
    whole = find_beeps(sound, rate, 10**6)
    assert [round(float(span.start), 3) for span in whole] == [0.41, 1.5, 2.0, 3.77, 4.5]
    assert find_beeps(sound, rate, 1000).items == whole.items
    moved = find_beeps(sound, rate, 777, origin=Fraction(10, 3))
    assert moved.items == whole.shifted(Fraction(10, 3)).items


def test_an_attack_of_ten_milliseconds_begins_where_it_begins() -> None:
    rate = 48000
    times = np.arange(rate) / rate - 0.4
    tone = np.clip(times / 0.01, 0, 1) * (times < 0.2) * 0.4 * np.sin(2 * np.pi * 1000 * times)
    (found,) = find_beeps(tone + room_noise(rate, rate, -70, 0), rate)
    assert float(found.start) == pytest.approx(0.4, abs=0.001)


def test_music_noise_clicks_and_silence_are_no_beeps() -> None:
    rate = 16000
    assert not find_beeps(np.zeros(3 * rate), rate)
    assert not find_beeps(room_noise(3 * rate, rate, -20, 1), rate)
    click = np.zeros(3 * rate)
    click[rate] = 0.9
    assert not find_beeps(click, rate)


def test_notes_sound_like_beeps_but_pair_with_nothing() -> None:
    beeps = find_beeps(music(20 * 16000, 16000, seed=2), 16000)
    assert len(beeps) > 5
    flashes = Spans(
        [Span(at, float(at) + 0.08) for at in np.cumsum(np.random.default_rng(1).uniform(0.5, 2, 14))]
    )
    assert pair_events(flashes, beeps, Grid(25)) is None


@pytest.mark.parametrize("rate", [16000, 44100])
def test_what_a_stretch_knows_of_its_windows_is_what_it_would_compute(
    monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    sound = music(6 * rate, rate, seed=3) + sum(beep(6 * rate, rate, at) for at in (0.3, 1.49, 3.02, 5.5))
    found = find_beeps(sound, rate)
    monkeypatch.setattr(BeepFinder, "_known_from", lambda self, low: None)
    assert find_beeps(sound, rate) == found
    assert len(found) > 3


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values: list[float], share: float) -> None:
    assert _quantile(np.array(values), share) == pytest.approx(
        float(np.quantile(values, share)), rel=1e-9, abs=1e-6
    )


def test_memory_is_given_back_and_bad_input_refused() -> None:
    finder = BeepFinder()
    with pytest.raises(OptionError, match="at least 4000"):
        finder.push(AudioBlock(np.zeros((10, 1), np.float32), 2000, Fraction(0), "media"))
    finder.finish()
    rate = 8000
    sound = sum(beep(4 * rate, rate, at) for at in (1, 2, 3))
    finder = BeepFinder()
    finder.push(AudioBlock(sound[:, None].astype(np.float32), rate, Fraction(0), "media"))
    assert len(finder._held) < 2 * rate
    finder.finish()
    finder.forget(2.5)
    assert len(finder.between(0, 10)) == 1


# ---------------------------------------------------------------- flashes


def a_picture(light: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(light - 10, light + 10, (36, 64)).astype(np.uint8)


@pytest.mark.parametrize("part", [(slice(None), slice(None)), (slice(4, 14), slice(40, 56))])
def test_a_flash_covers_its_lit_frames(part: tuple[slice, slice]) -> None:
    frames = [a_picture() for _ in range(60)]
    for k in (7, 20, 21, 22, 40):
        frames[k][part] = 230
    assert find_flashes(frames, Grid(25)) == [(7, 8), (20, 23), (40, 41)]
    assert find_flashes(frames, uneven_ticks(25, 0, 10, 1)) == [(7, 8), (20, 23), (40, 41)]


def test_a_codec_that_follows_late_does_not_move_the_flash() -> None:
    frames = [a_picture() for _ in range(20)]
    frames[6][:], frames[7][:], frames[8][:] = 130, 220, 90
    assert find_flashes(frames, Grid(25)) == [(6, 8)]


def test_cuts_fades_and_moving_things_are_no_flashes() -> None:
    cut = [a_picture(40 if k < 20 else 200) for k in range(60)]
    shot = [a_picture(200 if 20 <= k < 45 else 40) for k in range(60)]
    fade = [np.full((36, 64), 20 + min(k, 60 - k) * 6, np.uint8) for k in range(60)]
    moving = [a_picture(30) for _ in range(60)]
    for k, frame in enumerate(moving):
        frame[8:28, k % 40 : k % 40 + 16] = 220
    for frames in (cut, shot, fade, moving[1:39]):
        assert find_flashes(frames, Grid(25)) == []


def test_a_flash_whose_end_is_not_seen_is_none_and_colour_is_refused() -> None:
    frames = [a_picture(30 if k < 9 else 200) for k in range(12)]
    assert find_flashes(frames, Grid(25)) == []
    with pytest.raises(OptionError, match="grey"):
        FlashFinder().push(VideoCell(np.zeros((36, 64, 3), np.uint8), 0, Fraction(0), Fraction(1), "media"))


# ---------------------------------------------------------------- pairs


def events(offset: float, cells: Cells, firsts: list[int], within: float = 0.0) -> tuple[Spans, Spans]:
    flashes = Spans([Span(cells.edge(k), cells.edge(k + 2)) for k in firsts])
    seen = [
        float(cells.edge(k)) + within * i % 1 * float(cells.edge(k + 1) - cells.edge(k))
        for i, k in enumerate(firsts)
    ]
    return flashes, Spans([Span(at - offset, at - offset + 0.05) for at in seen])


@settings(max_examples=40)
@given(
    st.floats(-1.4, 1.4), st.sampled_from([Grid("23.976"), Grid(25), Grid(60), uneven_ticks(25, 0, 30, 4)])
)
def test_flashes_on_edges_give_the_offset_exactly(offset: float, cells: Cells) -> None:
    flashes, beeps = events(offset, cells, [10, 33, 61, 92, 110, 155, 181])
    pairs = pair_events(flashes, beeps, cells)
    assert pairs is not None
    assert pairs.on_edges
    assert pairs.count == 7
    assert pairs.offset_seconds == pytest.approx(offset, abs=1e-6)


def test_flashes_within_their_frames_give_an_interval_that_holds_the_offset() -> None:
    cells = Grid(25)
    flashes, beeps = events(0.117, cells, [10, 33, 61, 92, 110, 155, 181], within=0.37)
    pairs = pair_events(flashes, beeps, cells)
    assert pairs is not None
    assert not pairs.on_edges
    low, high = pairs.interval_seconds
    assert low <= 0.117 <= high
    assert high - low < 0.02


@pytest.mark.parametrize("whole_milliseconds", [False, True])
def test_stated_intervals_hold_as_often_as_they_say_and_are_no_wider(whole_milliseconds: bool) -> None:
    """Stamps of frames and the start of the sound rounded as containers do, onsets known to some microseconds."""
    rng = np.random.default_rng(8)
    exact = Grid("23.976")
    held, drifts, halves, errors = [], [], [], []
    for _ in range(120):
        firsts = np.sort(rng.choice(np.arange(10, 1400), 25, replace=False))
        seen = np.array([float(exact.edge(int(k))) for k in firsts])
        ends = np.array([float(exact.edge(int(k) + 1)) for k in firsts])
        begun = 0.0
        if whole_milliseconds:
            seen, ends, begun = np.round(seen, 3), np.round(ends, 3), rng.uniform(-0.0005, 0.0005)
        true = np.array([float(exact.edge(int(k))) for k in firsts]) - 0.2
        heard = true + begun + 1.8e-5 * rng.standard_normal(len(firsts))
        flashes = Spans([Span(float(a), float(b)) for a, b in zip(seen, ends, strict=True)])
        pairs = pair_events(flashes, Spans([Span(float(at), float(at) + 0.01) for at in heard]), exact)
        assert pairs is not None
        assert pairs.drift_ppm is not None
        assert pairs.drift_error_ppm is not None
        low, high = pairs.interval_seconds
        held.append(low <= 0.2 <= high)
        errors.append(pairs.drift_error_ppm)
        drifts.append(abs(pairs.drift_ppm) <= pairs.drift_error_ppm)
        halves.append((high - low) / 2)
    assert np.mean(held) >= 0.85
    assert np.mean(drifts) >= 0.85
    assert np.median(errors) < (15 if whole_milliseconds else 3)
    assert np.median(halves) < (0.0008 if whole_milliseconds else 0.00011)


@pytest.mark.parametrize("drift", [-1000, -145, 50, 1000])
def test_drift_is_seen_and_does_not_blur_the_offset(drift: float) -> None:
    cells = Grid(25)
    firsts = list(range(20, 1450, 37))
    seen = np.array([float(cells.edge(k)) for k in firsts])
    middle = (seen[0] + seen[-1]) / 2
    heard = seen - 0.2 - drift * 1e-6 * (seen - middle)
    flashes = Spans([Span(cells.edge(k), cells.edge(k + 2)) for k in firsts])
    pairs = pair_events(flashes, Spans([Span(float(at), float(at) + 0.05) for at in heard]), cells)
    assert pairs is not None
    assert pairs.drift_ppm == pytest.approx(drift, abs=1)
    assert pairs.offset_seconds == pytest.approx(0.2, abs=1e-4)


def test_events_that_do_not_belong_together_do_not_pair() -> None:
    draw = np.random.default_rng(5)
    believed = 0
    for _ in range(60):
        flashes = Spans(
            [Span(k, k + Fraction(1, 12)) for k in sorted(set(draw.integers(0, 60, 12).tolist()))]
        )
        at = np.cumsum(draw.uniform(0.3, 4, 14))
        believed += (
            pair_events(flashes, Spans([Span(float(t), float(t) + 0.05) for t in at]), Grid(25)) is not None
        )
    assert believed <= 1
    one = Spans([Span(1, 2)])
    assert pair_events(one, Spans([Span("1.1", 2)]), Grid(25)) is None


@pytest.mark.parametrize("bad_ms", ["1.3", "3", "20"])
def test_a_lost_beep_a_false_flash_and_a_bad_onset_do_no_harm(bad_ms: str) -> None:
    cells = Grid(25)
    flashes, beeps = events(-0.08, cells, [10, 33, 61, 92, 110, 155, 181])
    worse = [span for n, span in enumerate(beeps) if n != 2]
    worse[3] = Span(worse[3].start + Fraction(bad_ms) / 1000, worse[3].end)
    more = sorted([*flashes, Span(5, "5.08")], key=lambda span: span.start)
    pairs = pair_events(Spans(more), Spans(worse), cells)
    assert pairs is not None
    assert pairs.offset_seconds == pytest.approx(-0.08, abs=1e-4)


# ---------------------------------------------------------------- through files


@pytest.mark.parametrize(
    ("ending", "rate", "offset"),
    [
        (".mp4", "30000/1001", "0.1234"),
        (".mkv", "24", "-0.7123"),
        (".mov", "60", "0.9991"),
        (".mpg", "24000/1001", "-0.033"),
        (".ts", "50", "-0.25"),
        (".mp4", "variable", "0.4567"),
    ],
)
def test_the_offset_of_a_file_is_right_to_a_millisecond(
    ending: str, rate: str, offset: str, tmp_path: Path
) -> None:
    path = tmp_path / f"clip{ending}"
    options = SignalOptions(
        width=160,
        height=96,
        rate=25 if rate == "variable" else Fraction(rate),
        variable_rate=rate == "variable",
        offset_seconds=offset,
        duration_seconds=6,
        picture_start="0.2",
        sound_start="0.5",
        seed=3,
    )
    make_signal(path, options)
    (evidence,) = gather(path)
    (cue,) = FlashBeep().cues(evidence)
    assert cue.offset_seconds == pytest.approx(float(Fraction(offset)), abs=0.001)
    assert cue.interval_seconds is not None
    assert cue.interval_seconds[0] <= float(Fraction(offset)) <= cue.interval_seconds[1]
    assert cue.curve is not None
    assert cue.curve.lags_seconds[np.nanargmax(cue.curve.values)] == pytest.approx(
        cue.offset_seconds, abs=0.05
    )


def test_a_signal_without_flashes_and_beeps_says_so(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    make_signal(path, SignalOptions(kind="motion", width=160, height=96, duration_seconds=3))
    (evidence,) = gather(path)
    (cue,) = FlashBeep().cues(evidence)
    assert cue.offset_seconds is None
    assert cue.curve is None
    assert "no beeps" in cue.reason


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), jumps=st.lists(st.sampled_from([-0.3, -0.12, 0.08, 0.2]), max_size=3))
def test_sound_that_was_cut_is_read_as_runs_and_none_is_invented(seed: int, jumps: list[float]) -> None:
    draw = np.random.default_rng(seed)
    cells = Grid(25)
    at = np.cumsum(draw.uniform(0.5, 1.5, 12 * (len(jumps) + 1)))
    lit = [cells.index(Fraction(str(round(float(t), 3))), "floor") for t in at]
    flashes = Spans([Span(cells.edge(k), cells.edge(k + 1)) for k in lit])
    offsets = np.concatenate([[0.0], np.cumsum(jumps)]).repeat(12)
    beeps = Spans(
        [
            Span(f.start - Fraction(str(round(float(away), 3))), f.end - Fraction(str(round(float(away), 3))))
            for f, away in zip(flashes, offsets, strict=True)
            if draw.random() < 0.95
        ]
    )
    early, late = _differences(flashes, beeps, cells)
    runs = runs_of(flashes, beeps, early, late, 2.0)
    assert len(runs) == (len(jumps) + 1 if jumps else 0)
    for k, run in enumerate(runs[1:], 1):
        assert abs(run.flashes.start - 12 * k) <= 1
        assert beeps[0].start < run.start < beeps[-1].end
