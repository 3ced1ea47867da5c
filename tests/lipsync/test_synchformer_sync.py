"""The estimator ``synchformer``: planted offsets through real films, by a network that is arranged and not trained.

It knows flashes and bursts of noise alone; clocks, signs, windows, the sound's moves and memory are ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.lipsync.arranged_synchformer import write_arranged

from genlock.aligners.curves import pool
from genlock.cli import main
from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.lipsync.confidence import judge
from genlock.lipsync.estimators import synchformer
from genlock.lipsync.estimators.base import make_estimators, sight_of
from genlock.lipsync.estimators.synchformer import SynchformerSync, lag_values
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector, gather
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.live import LiveWindow, SyncWatch
from genlock.lipsync.spread import SpreadOptions
from genlock.media import ReadOptions, probe, read
from genlock.media.encode import Picture, Sound, encode
from genlock.tasks.sync_video import SyncOptions, sync_video
from genlock.tasks.sync_windows import measure_windows

LONG = Fraction(6, 25)  # of a flash and of a burst


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_arranged(tmp_path_factory.mktemp("synchformer") / "arranged.pt")


@pytest.fixture(scope="module")
def arranged(weights: Path) -> SynchformerSync:
    return SynchformerSync(str(weights), reach_seconds="1.9")


def film(
    file: Path, offset: float, rate: object = 25, seconds: float = 7.0, at: tuple[float, ...] = (3.4,),
    late: Fraction = Fraction(0),
) -> Path:  # fmt: skip
    """Flashes, and bursts of noise as much earlier; the picture, and so the film, begins ``late``."""
    exact = Fraction(rate)  # type: ignore[arg-type]
    middles = (np.arange(round(seconds * float(exact))) + 0.5) / float(exact)
    inside = [(middles >= each) & (middles < each + float(LONG)) for each in at]
    frames = [np.full((72, 96, 3), 235 if lit else 16, np.uint8) for lit in np.any(inside, axis=0)]
    instants = np.arange(round(seconds * 16000)) / 16000
    loud = [(instants >= each - offset) & (instants < each - offset + float(LONG)) for each in at]
    noise = np.random.default_rng(5).standard_normal(len(instants))
    samples = (noise * np.where(np.any(loud, axis=0), 0.2, 1e-4)).astype(np.float32)
    picture = Picture(frames, rate=exact, start=late, codec="libx264", options={"preset": "ultrafast"})
    encode(file, picture, Sound(samples, 16000, start=late, codec="pcm_s16le"))
    return file


def looked(estimator: SynchformerSync, file: Path) -> list[Evidence]:
    return gather(file, faces=None, sight=estimator.sight)


@pytest.mark.parametrize(
    ("rate", "offset"), [(25, 0.0), (25, -0.44), ("30000/1001", 0.6), ("30000/1001", -1.5), (60, 1.3)]
)
def test_a_planted_offset_is_found_at_any_frame_rate(
    arranged: SynchformerSync, tmp_path: Path, rate: object, offset: float
) -> None:
    (piece,) = looked(arranged, film(tmp_path / "a.mkv", offset, rate))
    (window,) = arranged.windows(piece)
    assert window.cues[0].curve is not None
    found = judge(window.cues[0].curve, arranged.trust.confidence)
    assert found is not None
    # Rows of the arranged network are 80 and 100 ms long.
    assert found.peak.lag_seconds == pytest.approx(offset, abs=0.06)


def test_sound_that_is_taken_later_on_is_early_as_in_the_public_data_set(
    arranged: SynchformerSync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public labels: the sound begins ``offset`` later on in a film in step than the picture does beside it."""
    kept: dict[int, np.ndarray] = {}

    def keep(told: dict[int, np.ndarray], reach: object) -> tuple[np.ndarray, np.ndarray]:
        kept.update(told)
        return lag_values(told, Fraction(1))

    monkeypatch.setattr(synchformer, "lag_values", keep)
    monkeypatch.setattr(synchformer, "_MOVES", (-10, -2, 0, 2, 10))
    (piece,) = looked(arranged, film(tmp_path / "a.mkv", 0.0))
    arranged.windows(piece)
    classes = np.arange(-10, 11) / 5
    for move, told in kept.items():
        bend, slope, _ = np.polyfit(classes, told, 2)
        assert -slope / (2 * bend) == pytest.approx(move / 25, abs=0.06)


@pytest.mark.slow
def test_a_long_film_is_seen_by_windows_and_no_pictures_are_kept(
    arranged: SynchformerSync, tmp_path: Path
) -> None:
    file = film(tmp_path / "a.mkv", 0.36, seconds=24.0, at=(2.6, 7.4, 12.4, 17.6, 21.9), late=Fraction(3, 2))
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append, piece_seconds=10, faces=None, sight=arranged.sight)
    read(file, collector.consumers)
    assert collector._sight is not None
    assert len(collector._sight._waiting) < 16
    windows = [window for piece in pieces for window in arranged.windows(piece)]
    assert [round(float(window.end - Fraction(3, 2)), 2) for window in windows] == [5, 10, 14.67, 19.33, 24]
    assert all(piece.sight is not None and piece.sight.values.nbytes < 100_000 for piece in pieces)
    curve = pool([cue.curve for window in windows for cue in window.cues if cue.curve is not None])
    found = judge(curve, arranged.trust.confidence)
    assert found is not None
    assert found.peak.lag_seconds == pytest.approx(0.36, abs=0.06)
    # However sure they are, classes are 200 ms wide.
    assert np.ptp(found.interval_seconds) > 0.29
    assert found.interval_seconds[0] < 0.36 < found.interval_seconds[1]


def test_a_window_is_where_it_says_it_is(arranged: SynchformerSync, tmp_path: Path) -> None:
    """Rows of the sight lie in the middle of their segments, and what is seen where is what is there."""
    (piece,) = looked(arranged, film(tmp_path / "a.mkv", 0.0, late=Fraction(1, 2)))
    assert piece.sight is not None
    assert isinstance(piece.sight.grid, Grid)
    assert piece.sight.grid.center(0) == Fraction(1, 2) + Fraction(8, 25)
    bright = piece.sight.values[:, :, 0]
    segment, row = np.unravel_index(bright.argmax(), bright.shape)
    start = piece.sight.grid.center(int(segment)) - Fraction(8, 25)
    middle = float(start) + (row + 0.5) * 0.08
    assert 0.5 + 3.4 <= middle <= 0.5 + 3.4 + float(LONG)


def test_it_is_asked_by_the_command_and_says_that_it_is_not_calibrated(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = film(tmp_path / "a.mkv", 0.6)
    main(["sync", str(file), "--estimators", f"synchformer:{weights}", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["estimator"] == "synchformer"
    assert told["offset_seconds"] == pytest.approx(0.6, abs=0.06)
    assert 0 < told["probability"] <= 0.5
    assert "not calibrated" in told["reason"]
    assert told["interval_seconds"][1] - told["interval_seconds"][0] > 0.29


def test_its_guess_stays_where_faces_cannot_be_looked_for(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise MissingModel("no face models")

    monkeypatch.setattr("genlock.lipsync.evidence.collect.FaceWatch", nobody)
    file = film(tmp_path / "a.mkv", 0.6)
    found = sync_video(file, SyncOptions(estimators=f"synchformer:{weights}"))
    assert found.offset_seconds == pytest.approx(0.6, abs=0.06)
    assert found.unavailable is None


@pytest.mark.slow
def test_of_a_long_film_nothing_but_the_first_windows_is_read(weights: Path, tmp_path: Path) -> None:
    """What is believed by less than half would otherwise be looked for in all of the film, for hours."""
    middles = [6.6 * k + 3.3 for k in range(4)]
    file = film(tmp_path / "a.mkv", 0.4, seconds=36.0, at=tuple(middles))
    options = SpreadOptions(least_seconds=30, window_seconds=10, least_windows=4, apart_seconds=30)
    info = probe(file)
    found = measure_windows(file, info, f"synchformer:{weights}", ReadOptions(), options=options)
    assert found is not None
    assert len(found.read.windows) == 3
    assert found.read.seconds == pytest.approx(30)
    assert found.read.change_seconds == pytest.approx(36, abs=0.1)


def test_a_part_of_evidence_has_its_part_of_what_was_seen(arranged: SynchformerSync, tmp_path: Path) -> None:
    (piece,) = looked(arranged, film(tmp_path / "a.mkv", 0.0))
    part = cut(piece, Fraction(1), Fraction(2))
    assert piece.sight is not None
    assert part.sight is not None
    assert 2 <= len(part.sight) <= 4 < len(piece.sight)


def test_a_source_without_end_is_measured_too(weights: Path, tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", 0.6, seconds=9.0, at=(2.4, 6.6))
    told: list[LiveWindow] = []
    read(file, SyncWatch(told.append, estimators=f"synchformer:{weights}").consumers)
    (window,) = told
    assert window.measurement.estimate.offset_seconds == pytest.approx(0.6, abs=0.06)


def test_what_lacks_is_a_reason(arranged: SynchformerSync, tmp_path: Path) -> None:
    (short,) = looked(arranged, film(tmp_path / "a.mkv", 0.0, seconds=4.6, at=(2.0,)))
    (whole,) = looked(arranged, film(tmp_path / "b.mkv", 0.0, seconds=5.0, at=(2.0,)))
    assert whole.loudness is not None
    lost = whole.sight
    assert lost is not None
    cases = [
        (short, r"4\.8 s at once, and of the picture there are no more than 4\.48 s"),
        (replace(whole, sight=None), r"no more than 0\.00 s"),
        (replace(whole, waveform=None), "no sound"),
        (replace(whole, frames=None), "no picture"),
        (replace(whole, loudness=whole.loudness.map(lambda db: db - 100)), "silent"),
        (replace(whole, waveform=whole.waveform and whole.waveform.shifted(2)), "no sound of 4.8 s"),
        (replace(whole, sight=replace(lost, valid=np.arange(len(lost)) > 0)), "pictures are missing"),
    ]
    for piece, said in cases:
        (window,) = arranged.windows(piece)
        assert window.cues[0].curve is None
        assert re.search(said, window.cues[0].reason)
    (window,) = arranged.windows(whole)
    assert window.cues[0].curve is not None


def test_it_is_registered_and_asks_for_a_file() -> None:
    with pytest.raises(MissingModel, match=r"nowhere\.pt"):
        make_estimators("synchformer:nowhere.pt")
    with pytest.raises(OptionError, match=r"synchformer:24-01-04T16-39-21\.pt"):
        make_estimators("synchformer")
    with pytest.raises(OptionError, match="reach_seconds=2"):
        SynchformerSync("any", 2)


def test_two_that_look_at_the_whole_picture_exclude_each_other(arranged: SynchformerSync) -> None:
    other = SynchformerSync.__new__(SynchformerSync)
    other.name, other.model = "other", arranged.model
    with pytest.raises(OptionError, match="synchformer, other"):
        Fusion(estimators=[arranged, other]).sight
    assert Fusion(estimators=[arranged]).sight is arranged.sight
    assert sight_of(make_estimators("motion")[0]) is None
