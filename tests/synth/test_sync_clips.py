"""Signals with planted sync: what is drawn and heard is where the truth says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.core.errors import FormatError, OptionError
from genlock.core.grid import Grid
from genlock.core.warp import Warp
from genlock.media import probe
from genlock.synth.signals.clips import SignalOptions, make_signal, render_signal, uneven_ticks
from genlock.synth.signals.sets import SetOptions, make_signal_set, plan_signal_set
from genlock.synth.signals.truth import SyncTruth, find_truths, load_sync_truth, truth_path


@settings(max_examples=20)
@given(
    offset=st.fractions("-1.2", "1.2", max_denominator=10**6),
    rate=st.sampled_from(["23.976", "25", "29.97", "60"]),
    variable=st.booleans(),
    starts=st.sampled_from([(0, 0), ("0.4", 0), (0, "0.3337")]),
    drift=st.sampled_from([0, 145, -1000]),
)
def test_flashes_and_beeps_lie_where_the_truth_says(
    offset: Fraction, rate: str, variable: bool, starts: tuple[str, str], drift: int
) -> None:
    how = SignalOptions(
        width=32,
        height=32,
        rate=rate,
        variable_rate=variable,
        duration_seconds=6,
        offset_seconds=offset,
        drift_ppm=drift,
        picture_start=starts[0],
        sound_start=starts[1],
        sound_rate=16000,
        noise_decibels=-120,
        seed=2,
    )
    truth, cells, frames, samples = render_signal(how)
    assert truth.offset_seconds == offset
    assert truth.warp is not None
    assert len(truth.beeps) == len(truth.flashes) >= 2
    lit = [k for k, frame in enumerate(frames) if frame.max() > 200]
    grid = Grid.of_samples(16000, Fraction(round(Fraction(starts[1]) * 16000), 16000))
    for flash, heard in zip(truth.flashes, truth.beeps, strict=True):
        assert flash.start == truth.warp(heard.start) == cells.edge(cells.index(flash.start, "floor"))
        assert cells.index(flash.start, "floor") in lit
        assert cells.index(flash.start, "floor") - 1 not in lit
        first = grid.index(heard.start, "ceil")
        assert np.abs(samples[first : first + 20]).max() > 0.1 > np.abs(samples[first - 20 : first - 1]).max()


def test_flashes_within_frames_show_in_the_cell_that_holds_them() -> None:
    truth, *_ = render_signal(SignalOptions(on_edges=False, duration_seconds=8, width=32, height=32))
    assert truth.warp is not None
    inside = [truth.warp(b.start) - f.start for b, f in zip(truth.beeps, truth.flashes, strict=True)]
    assert all(0 <= away < Fraction(1, 25) for away in inside)
    assert len(set(inside)) > 3


def test_motion_follows_the_tone_at_every_rate() -> None:
    for rate, variable in (("25", False), ("60", False), ("30", True)):
        how = SignalOptions(
            kind="motion",
            rate=rate,
            variable_rate=variable,
            duration_seconds=4,
            offset_seconds="0.25",
            noise_decibels=-120,
            sound_rate=8000,
            width=32,
            height=96,
            seed=5,
        )
        _, cells, frames, samples = render_signal(how)
        opening = np.array([frame[:, 16].astype(float).sum() for frame in frames])
        level = np.array([np.abs(samples[k * 80 : k * 80 + 80]).max() for k in range(len(samples) // 80)])
        seen = np.arange(len(level)) / 100 + 0.005 + 0.25
        inside = (seen > 0.5) & (seen < 3.5)
        followed = np.interp(seen, cells.centers(len(opening)), opening)
        assert np.corrcoef(level[inside] ** (1 / 1.5), followed[inside])[0, 1] > 0.995


def test_the_same_seed_gives_the_same_clip_and_another_another() -> None:
    one, two = render_signal(SignalOptions(seed=1)), render_signal(SignalOptions(seed=1))
    np.testing.assert_array_equal(one[3], two[3])
    assert one[0] == two[0]
    assert render_signal(SignalOptions(seed=2))[0].flashes != one[0].flashes


def test_bad_options_are_refused(tmp_path: Path) -> None:
    for wrong in (
        {"width": 33},
        {"offset_seconds": 2},
        {"rate": 0},
        {"kind": "waves"},
        {"duration_seconds": 1},
    ):
        with pytest.raises(OptionError):
            SignalOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must end in"):
        make_signal(tmp_path / "clip.xyz")
    assert list(tmp_path.iterdir()) == []


def test_uneven_ticks_cover_the_span() -> None:
    ticks = uneven_ticks("29.97", "0.5", 7, seed=3)
    assert ticks.edge(0) == Fraction(1, 2)
    assert ticks.edge(len(ticks)) >= 7
    assert len(set(np.diff(ticks.pts).tolist())) >= 4


# ---------------------------------------------------------------- truth and set


def test_a_truth_survives_its_file(tmp_path: Path) -> None:
    truth, *_ = render_signal(SignalOptions(offset_seconds="0.123456", drift_ppm=50))
    truth.save(tmp_path / "a.truth.json")
    assert load_sync_truth(tmp_path / "a.truth.json") == truth
    assert SyncTruth("recut", None).offset_seconds is None
    (tmp_path / "b.truth.json").write_text('{"genlock_schema": 1, "kind": "sync truth"}')
    with pytest.raises(FormatError, match="damaged"):
        load_sync_truth(tmp_path / "b.truth.json")


def test_the_sign_of_a_spliced_truth() -> None:
    warp = Warp([(5, "5.1"), (5, "5.3")])
    truth = SyncTruth("recut", warp, at=Fraction(3))
    assert truth.offset_seconds == Fraction(1, 10)
    assert truth.drift_ppm == 0


def test_a_set_is_reproducible_and_lists_itself(tmp_path: Path) -> None:
    how = SetOptions(count=3, seconds=2, width=64, height=48)
    made = list(make_signal_set(tmp_path / "one", how))
    again = list(make_signal_set(tmp_path / "two", how))
    assert [clip.truth.on_clock("x") for clip in made] == [clip.truth.on_clock("x") for clip in again]
    first = (tmp_path / "one" / made[0].name).read_bytes()
    assert first == (tmp_path / "two" / made[0].name).read_bytes()
    truths = find_truths(tmp_path / "one")
    assert [path.name for path in truths] == [clip.name for clip in made]
    assert truth_path(tmp_path / "one" / made[1].name).exists()
    assert probe(tmp_path / "one" / made[1].name).video[0].width == 64
    # A larger set begins with the smaller one; it has every rate and container.
    plan = plan_signal_set(SetOptions(count=48, seconds=2, width=64, height=48))
    assert [clip.options for clip in plan[:3]] == [clip.options for clip in made]
    assert len({clip.options.rate for clip in plan}) == 7
    assert any(clip.options.variable_rate for clip in plan)
    assert {Path(clip.name).suffix for clip in plan} == {".mp4", ".mkv", ".mov", ".ts", ".mpg", ".webm"}
