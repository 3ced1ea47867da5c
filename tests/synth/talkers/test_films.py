"""Talkers as films: exact truth, equal bytes, seen by the tracker, read by ``prepare``, in step as planted."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import FormatError, OptionError
from genlock.core.track_file import load_track
from genlock.data.corpora.base import CorpusFolder, find_corpus
from genlock.extractors.face.landmarks import extract_landmarks
from genlock.media import frame_cells, read_audio
from genlock.synth.signals.truth import load_sync_truth
from genlock.synth.talkers.face import aperture
from genlock.synth.talkers.films import render_talker
from genlock.synth.talkers.mesh import upright
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.synth.talkers.truth import load_talker_truth
from genlock.synth.talkers.world import make_talkers

SMALL = TalkerOptions(
    count=3, sizes=("160x160",), rates=("25", "variable", "30000/1001"), reach_seconds="0.3", rooms=0
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("talkers")
    make_talkers(where, SMALL)
    return where


def test_the_same_options_give_the_same_truth_to_the_byte(folder: Path, tmp_path: Path) -> None:
    make_talkers(tmp_path, replace(SMALL, count=2))
    for path in sorted(tmp_path.glob("00000[01]*")):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_the_truth_is_what_the_file_holds(folder: Path) -> None:
    for film in sorted(folder.glob("*.mp4")):
        truth = load_talker_truth(film.with_suffix(".talker.json"))
        cells, count = frame_cells(film)
        assert (count, cells.clock) == (truth.frame_count, truth.cells.clock)
        np.testing.assert_allclose(cells.centers(count), truth.cells.centers(count), atol=1e-9)
        assert load_sync_truth(f"{film}.truth.json").offset_seconds == truth.offset_seconds
        assert (
            film.with_suffix(".txt").read_text().strip()
            == truth.text
            == " ".join(w.label for w in truth.words)
        )
        np.testing.assert_array_equal(
            load_track(film.with_suffix(".landmarks.npz")).values, truth.landmarks().values
        )
        np.testing.assert_array_equal(load_track(film.with_suffix(".state.npz")).values, truth.state().values)


def test_phones_are_heard_where_they_are_said_to_be(folder: Path) -> None:
    for film in sorted(folder.glob("*.mp4")):
        truth = load_talker_truth(film.with_suffix(".talker.json"))
        track = read_audio(film, rate=16000)
        power = track.values.reshape(len(track), -1)[:, 0].astype(float) ** 2
        smooth = np.convolve(power, np.ones(160) / 160, "same")
        first, last = truth.words[0].start, truth.words[-1].end
        loud = np.flatnonzero(smooth > 1e-3 * smooth.max())
        assert abs(track.centers[loud[0]] - float(first)) < 0.06
        assert abs(track.centers[loud[-1]] - float(last)) < 0.08


def test_the_tracker_sees_the_face_and_its_lips(tmp_path: Path) -> None:
    easy = TalkerOptions(
        count=1, sizes=("288x288",), rates=("25",), rooms=0, difficulty=0, microphones=0, seed=5
    )
    (truth,) = make_talkers(tmp_path, easy).truths
    (face,) = extract_landmarks(tmp_path / "000000.mp4")
    assert len(face.points) == truth.frame_count
    assert face.share == 1
    seen, planted = (aperture(upright(t.values)) for t in (face.points, truth.landmarks()))
    assert np.corrcoef(seen, planted)[0, 1] > 0.8


def test_prepare_reads_them_as_a_corpus(folder: Path) -> None:
    listed = CorpusFolder(folder)
    sources = {source.path: source for source in find_corpus("talkers").sources(listed)}
    assert set(sources) == {"000000.mp4", "000001.mp4", "000002.mp4"}
    truth = load_talker_truth(folder / "000001.talker.json")
    source = sources["000001.mp4"]
    assert source.transcript == truth.text
    assert source.speaker == truth.person
    assert [word["text"] for word in source.words] == truth.text.split()
    assert source.words[0]["start_seconds"] == float(truth.words[0].start)
    assert [event["label"] for event in source.events] == [phone.label for phone in truth.phones]


def test_damaged_truths_are_told(folder: Path, tmp_path: Path) -> None:
    data = json.loads((folder / "000000.talker.json").read_text())
    del data["speaker"]
    (tmp_path / "a.talker.json").write_text(json.dumps(data))
    with pytest.raises(FormatError, match="damaged"):
        load_talker_truth(tmp_path / "a.talker.json")
    with pytest.raises(FormatError, match="not the truth of a talker"):
        load_talker_truth(folder / "000000.mp4.truth.json")


def test_a_hand_hides_the_mouth_only_where_the_truth_says(tmp_path: Path) -> None:
    options = TalkerOptions(
        count=1, hidden=1, sizes=("160x160",), rates=("25",), rooms=0, microphones=0, difficulty=0
    )
    plan = next(plan_talkers(options))
    truth, frames, _ = render_talker(plan)
    _, bare, _ = render_talker(replace(plan, hand=None))
    hidden = truth.hidden.on(truth.cells, truth.frame_count) >= 0
    lips = np.rint(truth.landmarks().values[:, 14, :2]).astype(int)
    covered = []
    for frame, other, (x, y) in zip(frames, bare, lips, strict=True):
        patch = np.s_[y - 2 : y + 3, x - 2 : x + 3]
        covered.append(np.abs(frame[patch].astype(int) - other[patch]).mean() > 6)
    assert 5 < hidden.sum() < len(hidden) - 5
    assert (np.array(covered) == hidden).mean() > 0.9


def test_sound_alone_has_the_same_truth(tmp_path: Path, folder: Path) -> None:
    make_talkers(tmp_path, replace(SMALL, count=1, films=False))
    assert (tmp_path / "000000.wav").exists()
    ours, theirs = (load_talker_truth(where / "000000.talker.json") for where in (tmp_path, folder))
    assert ours.on_clock("media") == theirs.on_clock("media")


def test_the_offset_is_where_the_sound_lies(tmp_path: Path) -> None:
    plan = next(plan_talkers(replace(SMALL, count=1)))
    early = replace(plan, offset_seconds=Fraction(1, 10))
    still = replace(plan, offset_seconds=Fraction(0))
    (one, _, moved), (other, _, kept) = (render_talker(p, sound_rate=16000) for p in (early, still))
    assert one.phones[1].start == other.phones[1].start - Fraction(1, 10)
    np.testing.assert_allclose(moved[2000:-4000], kept[3600:-2400], atol=0.02)
    np.testing.assert_array_equal(one.state().values, other.state().values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": ("321x320",)},
        {"count": 0},
        {"reach_seconds": 2},
        {"rates": ("0",)},
        {"hidden": 2},
        {"voices": ()},
    ],
)
def test_bad_options_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        TalkerOptions(**wrong)  # type: ignore[arg-type]
