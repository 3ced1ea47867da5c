"""The bench: planted answers get the figures that they deserve, and baselines theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.lipsync.planted import talker

from genlock.bench.figures import Row, bootstrapped, share, table_text
from genlock.bench.retrieval import (
    lips_rows,
    one_of_p1,
    one_of_p2,
    p1_rows,
    p2_rows,
    similarity_rows,
    untrained_rows,
)
from genlock.bench.sync import SyncBenchOptions, bench_sync
from genlock.bench.tool import Answer, BenchClip, Trial, draw_shifts, p6_row, trials_of
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import LinearSync, View
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.collect import gather
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.synth.signals.truth import SyncTruth, truth_path


def planted(frames: int, lag: int, noise: float, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    moves = draw.standard_normal((frames, 8))
    heard = Track(moves + noise * draw.standard_normal(moves.shape), Grid(25, Fraction(-lag, 25)))
    return similarity_rows(heard, Track(moves, Grid(25)), np.ones(8))


@pytest.mark.parametrize("lag", [-12, 0, 3, 15])
def test_rows_peak_at_the_planted_lag_and_mask_what_is_missing(lag: int) -> None:
    rows = planted(80, lag, 0.2)
    assert rows.shape == (80, 101)
    assert int(np.nanmean(rows, axis=0)[25:76].argmax()) - 25 == lag
    # The picture's first frame is compared with sound up to as late as there is, never with anything made up.
    assert np.isnan(rows[0, 50 + lag + 1 :]).all()
    assert np.isnan(rows[-1, : 50 + lag]).all()


def test_retrieval_finds_what_is_planted_and_no_more_than_chance_elsewhere() -> None:
    good = [planted(75, 0, 0.3, seed) for seed in range(6)]
    draw = np.random.default_rng(1)
    assert all(one_of_p1(good[0], 5, None))
    assert np.mean(one_of_p1(good[0], 5, draw)) > 0.95
    assert one_of_p2(good[0], 17) == 0
    assert one_of_p2(planted(75, 4, 0.3), 17) == 4
    pairs = [[Track(draw.standard_normal((75, 8)), Grid(25)) for _ in range(2)] for _ in range(60)]
    unrelated = [similarity_rows(heard, seen, np.ones(8)) for heard, seen in pairs]
    chance = p1_rows("chance", unrelated, True, 0)[0]
    # 3 of 31, somewhat more where candidates are masked.
    assert 0.08 < chance.figures["within 1 frame"].value < 0.2
    row, away = p2_rows("chance", unrelated, 0)
    assert row.figures["exact"].value < 0.12
    assert len(away) == 60
    assert p1_rows("ours", good, False, 0)[-1].protocol == "P1, 15 frames"


def test_no_shift_is_a_whole_frame_and_each_has_its_opposite() -> None:
    shifts = draw_shifts(200, 0.6, seed=3)
    assert all((s * 25).denominator > 1 and abs(s) <= 0.6 for s in shifts)
    assert [a + b for a, b in zip(shifts[::2], shifts[1::2], strict=True)] == [0] * 100
    assert draw_shifts(200, 0.6, seed=3) == shifts
    assert 0.45 < np.mean([s > 0 for s in shifts[::2]]) < 0.65
    with pytest.raises(OptionError):
        draw_shifts(2, 0, 1)


def test_figures_of_known_trials() -> None:
    draw = np.random.default_rng(0)
    truths = draw.uniform(-0.6, 0.6, 100)
    answers = [Answer(t * 1.01 - 0.007, (t - 0.02, t + 0.001), 0.95) for t in truths[:90]]
    answers += [Answer(t + 0.3, (t + 0.2, t + 0.4), 0.95) for t in truths[90:95]] + [
        Answer(None, reason="silent")
    ] * 5
    row = p6_row("P6", "ours", [Trial("a", float(t), a) for t, a in zip(truths, answers, strict=True)])
    assert row.figures["answered"].value == 0.95
    assert row.figures["within 40 ms"].value == 0.9
    assert row.figures["confident and wrong"].value == 0.05
    assert row.figures["slope"].value == pytest.approx(1.01, abs=0.005)
    assert row.figures["intercept ms"].value == pytest.approx(-7, abs=2)
    assert row.figures["90 % interval covers"].value == pytest.approx(90 / 95)
    assert "ours" in table_text([row])
    json.dumps(row.to_dict(), allow_nan=False)


def test_intervals_of_shares_and_medians_cover() -> None:
    inside = [share(np.random.default_rng(k).random(80) < 0.9) for k in range(300)]
    assert (
        0.92
        < np.mean([f.low <= 0.9 <= f.high for f in inside if f.low is not None and f.high is not None])
        <= 0.99
    )
    medians = [bootstrapped(np.random.default_rng(k).standard_normal(40), np.median, k) for k in range(60)]
    assert np.mean([f.low <= 0 <= f.high for f in medians if f.low is not None and f.high is not None]) > 0.85
    assert not np.isfinite(share([]).value)
    assert Row("P", "s", 0, {"x": share([])}).to_dict()["figures"]["x"]["value"] is None


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two flash-beep clips with their truth, one of them drifting, one clip without, and a file without sound."""
    folder = tmp_path_factory.mktemp("bench")
    for number, (offset, drift) in enumerate((("0.3", 0), ("-0.2", 500), ("0", 0))):
        path = folder / f"{number}.mp4"
        how = SignalOptions(
            width=64,
            height=48,
            duration_seconds=10,
            offset_seconds=offset,
            drift_ppm=drift,
            sound_rate=16000,
            seed=number,
        )
        truth = make_signal(path, how)
        if number < 2:
            truth.save(truth_path(path))
    return folder


def test_the_bench_on_signals(dataset: Path, tmp_path: Path) -> None:
    reads = []

    def read(file: str) -> list[Evidence]:
        reads.append(file)
        return gather(file, faces=None)

    run = tmp_path / "run.json"
    found = bench_sync(dataset, SyncBenchOptions(lengths=(6.0,), reach_seconds=0.5), run, read=read)
    assert len(reads) == 3  # each file is read once
    rows = {(row.protocol, row.system): row for row in found.table}
    truth = rows["planted truth", "genlock"]
    assert truth.cases == 2
    assert truth.figures["within 40 ms"].value == 1
    for protocol in ("P6, whole clips", "P6, 6 s"):
        ours, zero = rows[protocol, "genlock"], rows[protocol, "always 0"]
        assert ours.cases == 2  # the drifting clip has no single offset to move
        assert ours.figures["within 40 ms"].value == 1
        assert ours.figures["median error ms"].value < 1.5
        assert zero.figures["within 40 ms"].value < 1
    assert rows["P6, silence", "genlock"].figures["answered"].value == 0
    assert rows["P6, shift and its opposite", "genlock"].figures["own offset ms"].value == pytest.approx(
        0, abs=1
    )
    assert found.failures == ()
    saved = json.loads(run.read_text())
    assert saved["run"]["clips"] == 3
    assert saved["run"]["with_truth"] == 2
    assert len(saved["table"]) == len(found.table)
    assert "P6, whole clips" in str(found)


def test_a_moved_clip_counts_as_a_failure() -> None:
    def wrong(pieces: object) -> Answer:
        return Answer(0.5, (0.4, 0.6), 0.97)

    trials = trials_of(wrong, [BenchClip("a", ())], [Fraction(1, 10)], None, 0)
    assert trials == []  # a clip without a piece is no trial
    row = p6_row("P6", "wrong", [Trial("a", 0.1, wrong(None))])
    assert row.figures["confident and wrong"].value == 1


def test_a_folder_without_a_usable_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        bench_sync(tmp_path)
    with pytest.raises(OptionError):
        SyncBenchOptions(reach_seconds=3)
    assert SyncTruth("recut", None).offset_seconds is None


def test_intervals_are_over_people_where_they_are_named() -> None:
    """One who is always right and one who never is: of two people nothing is known, of forty clips much would be."""
    good = [planted(150, 0, 0.1, seed) for seed in range(20)]
    bad = [planted(150, 8, 0.1, seed) for seed in range(20)]
    whose = ["one"] * 20 + ["another"] * 20
    named = p1_rows("ours", [*good, *bad], False, 0, whose)[0].figures["within 1 frame"]
    alone = p1_rows("ours", [*good, *bad], False, 0)[0].figures["within 1 frame"]
    assert named.value == alone.value
    assert (named.low, named.high) == (0.0, 1.0)
    assert alone.low is not None
    assert alone.low > 0.3
    row, away = p2_rows("ours", [*good, *bad], 0, whose)
    assert row.figures["exact"].value == 0.5
    assert (row.figures["exact"].low, row.figures["exact"].high) == (0.0, 1.0)
    assert away.count(0) == 20
    assert away.count(8) > 15  # of the others the shift took the peak out of reach


def test_rows_add_what_an_estimator_compares_by_its_shares() -> None:
    class Two(LinearSync):
        def views(self, evidence: Evidence) -> list[tuple[FaceEvidence, list[View]]]:
            ((face, (ridge, pairs)),) = super().views(evidence)
            return [(face, [replace(ridge, share=0.8), replace(pairs, share=0.2)])]

    piece = talker()
    (_, (ridge, pairs)) = LinearSync().views(piece)[0]
    by_hand = 0.8 * similarity_rows(ridge.sound, ridge.picture, ridge.weights)
    by_hand += 0.2 * similarity_rows(pairs.sound, pairs.picture, pairs.weights)
    rows = lips_rows(piece, Two())
    assert rows is not None
    assert np.allclose(rows, by_hand, equal_nan=True)
    assert lips_rows(replace(piece, faces=()), Two()) is None


def test_an_opening_without_motion_is_rows_all_the_same() -> None:
    piece = talker()
    (face,) = piece.faces
    blind = replace(face.motion, valid=np.zeros(len(face.motion), bool))
    rows = untrained_rows(replace(piece, faces=(replace(face, motion=blind),)))
    assert rows is not None
    assert np.isfinite(rows).any()
