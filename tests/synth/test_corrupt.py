"""Clips with a known fault: planted in real files, found again where the truth says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.lipsync.estimators.flashbeep import pair_events
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.media import frame_cells, probe, read_audio
from genlock.synth.corrupt import CorruptOptions, corrupt
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.synth.signals.truth import SyncTruth


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of flashes and beeps, in step."""
    path = tmp_path_factory.mktemp("corrupt") / "source.mov"
    make_signal(path, SignalOptions(width=96, height=64, duration_seconds=12, picture_start="0.1", seed=8))
    return path


def piece_of(path: Path) -> Evidence:
    (piece,) = gather(path, faces=None)
    return piece


def offset_of(piece: Evidence) -> float:
    assert piece.frames is not None
    pairs = pair_events(piece.flashes, piece.beeps, piece.frames)
    assert pairs is not None
    return pairs.offset_seconds


@pytest.mark.parametrize("offset", ["0.1234", "-0.777"])
def test_an_offset_is_planted_with_the_real_neighbourhood(source: Path, tmp_path: Path, offset: str) -> None:
    truth = corrupt(source, tmp_path / "moved.mp4", CorruptOptions(offset_seconds=offset))
    assert truth.offset_seconds == Fraction(offset)
    assert offset_of(piece_of(tmp_path / "moved.mp4")) == pytest.approx(float(offset), abs=0.001)
    # Nothing betrays the shift: both streams begin and end together, and no silence is put anywhere.
    info = probe(tmp_path / "moved.mp4")
    assert info.video[0].start == info.audio[0].start
    sound = read_audio(tmp_path / "moved.mp4").values
    levels = [float(part.std()) for part in np.array_split(sound[:-2000], 40)]
    assert min(levels) > 1e-4


def test_a_part_that_reaches_over_the_source_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not lie in the source"):
        corrupt(source, tmp_path / "x.mp4", CorruptOptions(start=0, offset_seconds="-0.5"))
    with pytest.raises(OptionError, match="must end in"):
        corrupt(source, tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate", ["24", "30000/1001", "variable"])
def test_rendering_again_at_another_rate_keeps_the_offset(source: Path, tmp_path: Path, rate: str) -> None:
    path = tmp_path / "again.mp4"
    how = CorruptOptions(
        offset_seconds="0.2",
        rate=30 if rate == "variable" else Fraction(rate),
        variable_rate=rate == "variable",
    )
    corrupt(source, path, how)
    piece = piece_of(path)
    cells, _ = frame_cells(path)
    if rate != "variable":
        assert cells.rate == Fraction(rate)  # type: ignore[union-attr]
    # A new frame shows the flash if the old one is on show at its middle: up to half a new cell early or late.
    assert offset_of(piece) == pytest.approx(0.2, abs=0.022)


def test_drift_and_splices_are_planted_as_the_truth_says(source: Path, tmp_path: Path) -> None:
    how = CorruptOptions(offset_seconds="0.05", drift_ppm=5000)
    truth = corrupt(source, tmp_path / "drift.mov", how)
    assert truth.warp is not None
    piece = piece_of(tmp_path / "drift.mov")
    gaps = differences(piece)
    wanted = [float(truth.warp.inverse()(at)) for at, _ in gaps]
    assert [at - gap for at, gap in gaps] == pytest.approx(wanted, abs=0.001)
    for splice in ("0.3", "-0.3"):
        cut = CorruptOptions(offset_seconds="0.05", splice_at=5, splice_seconds=splice)
        truth = corrupt(source, tmp_path / "cut.mov", cut)
        assert truth.warp is not None
        gaps = differences(piece_of(tmp_path / "cut.mov"))
        early = [gap for at, gap in gaps if at < 4.9]
        late = [gap for at, gap in gaps if at > 5.9]
        assert early == pytest.approx([0.05] * len(early), abs=0.001)
        assert late == pytest.approx([0.05 + float(splice)] * len(late), abs=0.001)
        assert truth.warp(Fraction(2)) - 2 == Fraction("0.05")
        assert truth.warp(Fraction(9)) - 9 == Fraction("0.05") + Fraction(splice)


def differences(piece: Evidence) -> list[tuple[float, float]]:
    """Each flash with a beep near it: its instant, and how much earlier the beep is."""
    found = []
    for flash in piece.flashes:
        gaps = [float(flash.start - beep.start) for beep in piece.beeps]
        near = [gap for gap in gaps if -0.35 < gap < 0.45]
        if len(near) == 1:
            found.append((float(flash.start), near[0]))
    return found


def test_several_clips_are_joined_without_a_gap(source: Path, tmp_path: Path) -> None:
    truth = corrupt([source, source], tmp_path / "joined.mp4", CorruptOptions(offset_seconds="-0.1"))
    piece = piece_of(tmp_path / "joined.mp4")
    assert float(piece.end - piece.start) == pytest.approx(23.9, abs=0.15)
    assert offset_of(piece) == pytest.approx(-0.1, abs=0.001)
    assert truth.clock.startswith("media:joined.mp4")


@pytest.mark.parametrize("sound", ["silence", "music", "noise", "voice-over", "other"])
def test_a_sound_that_does_not_belong_has_no_offset(source: Path, tmp_path: Path, sound: str) -> None:
    other = str(source) if sound == "other" else None
    how = CorruptOptions(sound=sound, other=other, seconds=3)  # type: ignore[arg-type]
    truth = corrupt(source, tmp_path / "foreign.mkv", how)
    assert truth.offset_seconds is None
    assert not truth.speaking
    heard = read_audio(tmp_path / "foreign.mkv").values
    assert (np.abs(heard).max() < 1e-3) == (sound == "silence")


def test_frozen_frames_noise_and_a_cover(source: Path, tmp_path: Path) -> None:
    how = CorruptOptions(frozen_share=0.3, add="noise", snr_decibels=10, cover=(0.0, 0.5, 1.0, 1.0), seed=4)
    truth = corrupt(source, tmp_path / "bad.mp4", how)
    assert truth.corruptions == ("30 % of the frames frozen", "noise at 10 dB", "covered")
    assert isinstance(truth, SyncTruth)
    assert not truth.speaking
    # Half of the flash is still to be seen; a frozen frame shows it later, never earlier.
    assert len(piece_of(tmp_path / "bad.mp4").flashes) >= 5


def test_bad_options_are_refused() -> None:
    for wrong in (
        {"variable_rate": True},
        {"frozen_share": 1.0},
        {"sound": "other"},
        {"cover": (0.5, 0, 0.5, 1)},
        {"seed": -1},
        {"picture_start": -1},
    ):
        with pytest.raises(OptionError):
            CorruptOptions(**wrong)  # type: ignore[arg-type]
