"""The linear model: planted talkers give their offsets back, at any frame rate, with the right sign; files survive."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.aligners.curves import find_peak, weighted
from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.estimators.linear import (
    LinearModel,
    LinearOptions,
    LinearSync,
    load_model,
    save_model,
    sound_bands,
)
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, join, with_offset, with_sound_of
from genlock.train.lipsync.linear import fit_linear
from genlock.train.options import SyncTraining

from .planted import talker


@pytest.fixture(scope="module")
def model() -> LinearModel:
    """Trained on a dozen planted clips."""
    look = LinearOptions(components=4, speeds=2, pairs=3)
    return fit_linear({f"clip{k}": talker(4, seed=k) for k in range(12)}, SyncTraining(look=look, copies=1))


def offset_of(evidence: Evidence, model: LinearModel) -> float:
    cue = LinearSync(model).cues(evidence)[0]
    assert cue.curve is not None, cue.reason
    peak = find_peak(weighted(cue.curve))
    assert peak is not None
    return peak.lag_seconds


@pytest.mark.parametrize("offset", ["-0.5337", "-0.04", "0", "0.017", "0.61"])
def test_planted_offset_is_found_with_its_sign(model: LinearModel, offset: str) -> None:
    """Positive: the sound is early, its time stamps are less than they should be."""
    clip = talker(5, seed=77)
    moved = cut(with_offset(clip, offset), clip.start, clip.end)
    assert moved.mel is not None
    assert offset_of(moved, model) == pytest.approx(float(Fraction(offset)), abs=0.008)


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "50", "60", "variable"])
def test_frame_rates_agree(model: LinearModel, rate: str) -> None:
    """The same talk at any rate, within 10 ms, though trained at 25."""
    if rate == "variable":
        steps = np.random.default_rng(4).choice([3000, 3600, 4200, 6000], 120)
        frames = Ticks(np.concatenate([[0], np.cumsum(steps)]), Fraction(1, 90000), 3600)
    else:
        pts = np.round(np.arange(Grid(rate).index(5)) * 90000 / float(Fraction(rate))).astype(int)
        frames = Ticks(pts, Fraction(1, 90000), 3600)
    clip = with_offset(talker(5, seed=78, frames=frames), "0.123")
    assert offset_of(clip, model) == pytest.approx(0.123, abs=0.01)


def test_level_and_equaliser_do_not_matter(model: LinearModel) -> None:
    clip = with_offset(talker(5, seed=79), "0.2")
    assert clip.mel is not None
    louder = replace(clip, mel=clip.mel.map(lambda v: v + 5 + np.linspace(-2, 2, 40)))
    assert offset_of(louder, model) == pytest.approx(offset_of(clip, model), abs=0.004)


def test_position_on_the_clock_does_not_matter(model: LinearModel) -> None:
    clip = with_offset(talker(5, seed=80), "0.2")
    later = Fraction(7200) + Fraction(1, 3)
    face = clip.faces[0]
    moved_face = replace(face, lips=face.lips.shifted(later))
    assert clip.mel is not None
    assert clip.frames is not None
    moved = replace(
        clip,
        start=clip.start + later,
        end=clip.end + later,
        mel=clip.mel.shifted(later),
        loudness=None,
        frames=clip.frames.shifted(later),
        faces=(moved_face,),
    )
    assert offset_of(moved, model) == pytest.approx(offset_of(clip, model), abs=1e-5)


def test_gaps_in_the_face_are_left_out(model: LinearModel) -> None:
    clip = with_offset(talker(6, seed=81), "-0.15")
    face = clip.faces[0]
    valid = face.lips.valid.copy()
    valid[40:70] = False
    poisoned = replace(face.lips, values=np.where(valid[:, None, None], face.lips.values, 1e3), valid=valid)
    assert offset_of(replace(clip, faces=(replace(face, lips=poisoned),)), model) == pytest.approx(
        -0.15, abs=0.01
    )


def test_what_cannot_be_compared_has_a_reason(model: LinearModel) -> None:
    clip, estimator = talker(3, seed=1), LinearSync(model)
    assert clip.loudness is not None
    for evidence, reason in (
        (replace(clip, mel=None), "no sound"),
        (replace(clip, frames=None), "no picture"),
        (replace(clip, faces=()), "no face"),
        (replace(clip, loudness=clip.loudness.map(lambda v: v - 100)), "silent"),
        (cut(clip, 0, "0.4"), "half a second"),
    ):
        cues = estimator.cues(evidence)
        assert cues[0].curve is None
        assert reason in cues[0].reason


def test_still_lips_give_a_reason_not_an_offset(model: LinearModel) -> None:
    clip = talker(3, seed=2)
    face = clip.faces[0]
    still = replace(face, lips=face.lips.map(lambda v: np.repeat(v[:1], len(v), axis=0)))
    cue = LinearSync(model).cues(replace(clip, faces=(still,)))[0]
    assert cue.curve is None
    assert "does not move" in cue.reason


def test_windows_cover_the_piece_once(model: LinearModel) -> None:
    found = LinearSync(model).windows(talker(17, seed=3), 5)
    assert [float(end - start) for start, end, _ in found] == pytest.approx([17 / 3] * 3)
    assert found[0][0] == 0
    assert found[-1][1] == 17


def test_files_are_the_same_bytes_and_come_back(model: LinearModel, tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    for path in (first, second):
        save_model(replace(model, calibration={"sharpness": 9.0}), path)
    assert first.read_bytes() == second.read_bytes()
    back = load_model(first)
    assert back.options == model.options
    assert back.calibration == {"sharpness": 9.0}
    np.testing.assert_allclose(back.ridge, model.ridge, rtol=1e-6)
    clip = with_offset(talker(4, seed=5), "0.1")
    assert offset_of(clip, back) == pytest.approx(offset_of(clip, model), abs=1e-4)


def test_damaged_files_are_refused(model: LinearModel, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save_model(model, path)
    whole = path.read_bytes()
    for damage in (whole[: len(whole) // 2], b"nothing", whole.replace(b"lipsync-linear", b"lipsync-banana")):
        path.write_bytes(damage)
        with pytest.raises(FormatError):
            load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"")
    with pytest.raises(FormatError):
        load_model(path)


def test_options_out_of_range_are_refused() -> None:
    for wrong in ({"components": 0}, {"speeds": 11}, {"floor": 0.0}, {"sound_steps": -1}):
        with pytest.raises(OptionError):
            LinearOptions(**wrong)
    with pytest.raises(OptionError, match="reach"):
        LinearSync(reach_seconds=0)


def test_splits_are_apart_and_of_the_stated_size() -> None:
    parts = [split_by_name(f"clip{k}") for k in range(4000)]
    assert [parts.count(p) / 4000 for p in ("train", "valid", "test")] == pytest.approx(
        [0.5, 0.2, 0.3], abs=0.03
    )


def test_too_few_clips_are_refused() -> None:
    with pytest.raises(InputError, match="at least 4"):
        fit_linear({"one": talker(3)})


def test_clips_out_of_step_are_put_right_while_training() -> None:
    """Ordinary clips are out of step by up to 130 ms: trained on as if at zero, they blur the model."""
    rng = np.random.default_rng(8)
    clips = {
        f"clip{k}": with_offset(talker(4, seed=k), Fraction(int(rng.uniform(-90, 90)), 1000))
        for k in range(16)
    }
    look = LinearOptions(components=4, speeds=2, pairs=3)
    once, twice = (fit_linear(clips, SyncTraining(look=look, copies=1, rounds=r)) for r in (1, 2))
    assert twice.ridge_weights.sum() > once.ridge_weights.sum() * 1.02


def test_joined_clips_stay_in_step(model: LinearModel) -> None:
    film = join([talker(3, seed=k) for k in range(20, 24)])
    assert film.end == 12
    assert offset_of(film, model) == pytest.approx(0.0, abs=0.006)
    assert offset_of(cut(with_offset(film, "0.3"), 2, 9), model) == pytest.approx(0.3, abs=0.008)


def test_a_dub_has_no_clear_peak(model: LinearModel) -> None:
    own, other = talker(8, seed=30), talker(8, seed=31)
    peaks = [
        find_peak(weighted(LinearSync(model).cues(e)[0].curve))  # type: ignore[arg-type]
        for e in (own, with_sound_of(own, other))
    ]
    assert peaks[0] is not None
    assert peaks[1] is not None
    assert peaks[0].prominence > 3 * peaks[1].prominence


def test_bands_of_silence_and_of_no_sound_are_zero() -> None:
    mel = talker(1).mel
    assert mel is not None
    assert not sound_bands(replace(mel, valid=np.zeros(len(mel), bool)), LinearOptions()).values.any()
    flat = sound_bands(mel.map(lambda v: np.full_like(v, -4.0)), LinearOptions())
    np.testing.assert_allclose(flat.values, 0, atol=1e-9)
