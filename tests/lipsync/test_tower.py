"""The towers: numpy says what torch says, planted talkers give their offsets back, files survive."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genlock.aligners.curves import correlate, find_peak, weighted
from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import LinearModel, LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.estimators.tower import (
    TowerModel,
    TowerOptions,
    default_tower,
    load_tower,
    picture_tower,
    save_tower,
    sound_tower,
)
from genlock.lipsync.evidence.editing import cut, with_offset

from .planted import talker

SMALL = TowerOptions(
    components=6, frame_width=12, lip_steps=2, lip_width=16, sound_width=10, dilations=(1, 3), channels=5
)


def random_tower(options: TowerOptions = SMALL, seed: int = 0) -> TowerModel:
    random = np.random.default_rng(seed)
    arrays = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in TowerModel.shapes(options).items()
    }
    return TowerModel(options, {**arrays, "weights": np.abs(arrays["weights"])})


def test_sound_tower_written_out() -> None:
    """Cell by cell, tap by tap, and nothing beyond the ends."""
    from genlock.lipsync.estimators.linear import sound_bands

    model, clip = random_tower(), talker(1)
    assert clip.mel is not None
    a, rows = model.arrays, sound_bands(clip.mel, SMALL.look).values
    for k, dilation in enumerate(SMALL.dilations):
        new = np.zeros((len(rows), SMALL.sound_width))
        for n in range(len(rows)):
            total = a[f"sound{k}_bias"].astype(np.float64)
            for tap in range(5):
                at = n + (tap - 2) * dilation
                if 0 <= at < len(rows):
                    total = total + rows[at] @ a[f"sound{k}"][tap]
            new[n] = np.maximum(total, 0)
        rows = new + (rows if k else 0)
    expected = rows @ a["sound_out"] + a["sound_out_bias"]
    assert np.allclose(sound_tower(clip.mel, model).values, expected, rtol=1e-4, atol=1e-3)


def test_picture_tower_leaves_unseen_frames_out() -> None:
    model, clip = random_tower(), talker(2)
    face = clip.faces[0]
    seen = np.ones(len(face.lips), bool)
    seen[20:30] = False
    hidden = replace(face, lips=replace(face.lips, valid=seen))
    garbage = hidden.lips.map(lambda v: np.where(seen[:, None, None], v, 1e6))
    found = picture_tower(replace(hidden, lips=garbage), model)
    assert np.allclose(found.values, picture_tower(hidden, model).values)
    assert not found.values[20:30].any()
    assert found.values[~found.valid].size == 10 * SMALL.channels


def test_numpy_says_what_torch_says() -> None:
    torch = pytest.importorskip("torch")
    sync_tower = pytest.importorskip("genlock.train.lipsync.tower")
    from genlock.lipsync.estimators.linear import lip_shapes, sound_bands

    torch.manual_seed(0)
    towers = sync_tower.Towers(SMALL).eval()
    basis = np.random.default_rng(0).standard_normal((80, SMALL.components))
    model, clip = towers.to_model(basis, {}, 0.5), talker(2, seed=5)
    assert clip.mel is not None
    shapes, seconds = lip_shapes(clip.faces[0].lips, SMALL.look)
    left, share = sync_tower._between(seconds, SMALL.lip_steps)
    with torch.no_grad():
        lips = torch.tensor(shapes @ basis, dtype=torch.float32)
        said = towers.picture(lips[None], torch.tensor(left)[None], torch.tensor(share)[None])[0].numpy()
        bands = torch.tensor(sound_bands(clip.mel, SMALL.look).values, dtype=torch.float32)
        heard = towers.sound(bands[None])[0].numpy()
    assert np.allclose(picture_tower(clip.faces[0], model).values, said, atol=1e-5)
    assert np.allclose(sound_tower(clip.mel, model).values, heard, atol=1e-5)
    assert model.arrays["weights"].sum() == pytest.approx(1)


def test_curves_learnt_from_are_those_that_are_used() -> None:
    """At lags where every frame has its sound, what the loss sees is Pearson's correlation but for its means."""
    torch = pytest.importorskip("torch")
    sync_tower = pytest.importorskip("genlock.train.lipsync.tower")
    random = np.random.default_rng(0)
    noise = random.standard_normal((608, 4))
    moves = np.stack([np.convolve(channel, np.hanning(11)[1:-1], "valid") for channel in noise.T], axis=1)
    sound = Track(moves, Grid(100))
    picture = Track(moves[150:450:4], Grid(25, "1.615"))  # what the sound does, 130 ms later
    place = (picture.centers - sound.centers[0]) * 100
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    everywhere = [torch.ones(1, n, dtype=torch.bool) for n in (75, 600)]
    tensors = [torch.tensor(a[None], dtype=torch.float32) for a in (picture.values, sound.values)]
    values, frames = sync_tower.lag_curves(
        *tensors, torch.tensor(place[None]), *everywhere, torch.tensor(weights, dtype=torch.float32)
    )
    exact = correlate(sound, picture, 1, weights=weights)
    assert frames[0].tolist() == [75.0] * 201
    assert int(values[0].argmax()) == int(np.nanargmax(exact.values)) == 113
    # The place is right to a cell's fraction, the value where the means of the stretch are those of the overlap.
    same = sync_tower.lag_curves(
        tensors[0],
        torch.tensor(moves[None, 137:437], dtype=torch.float32),
        torch.tensor(place[None] - 137),
        everywhere[0],
        torch.ones(1, 300, dtype=torch.bool),
        torch.tensor(weights, dtype=torch.float32),
    )
    assert float(same[0][0, 113]) == pytest.approx(float(exact.values[113]), abs=0.05)


@pytest.mark.slow
def test_towers_learn_planted_talkers(tmp_path: Path) -> None:
    """A minute of training, then offsets of others, with their sign, at 25 and at 60 frames a second."""
    pytest.importorskip("torch")
    sync_tower = pytest.importorskip("genlock.train.lipsync.tower")
    from genlock.train.options import TOWER_LOOP, TowerTraining

    clips = {f"clip{k}": talker(3, seed=k) for k in range(16)}
    training = TowerTraining(batch=8, look=replace(SMALL, channels=8, sound_width=24), lip_spread=0.1)
    loop = replace(TOWER_LOOP, steps=150, evaluate_every=150)
    model, notes = sync_tower.fit_tower(clips, {}, tmp_path / "run", training, loop)
    assert notes == ()
    for offset in ("-0.5337", "0.017", "0.301"):
        clip = talker(5, seed=77)
        moved = cut(with_offset(clip, offset), clip.start, clip.end)
        assert moved.mel is not None
        curve = correlate(
            sound_tower(moved.mel, model),
            picture_tower(moved.faces[0], model),
            1,
            weights=model.arrays["weights"],
        )
        peak = find_peak(weighted(curve))
        assert peak is not None
        assert peak.lag_seconds == pytest.approx(float(offset), abs=0.015)
    again, _ = sync_tower.fit_tower(clips, {}, tmp_path / "run", training, loop)
    assert np.array_equal(again.arrays["context"], model.arrays["context"])


def test_too_few_clips_are_refused() -> None:
    sync_tower = pytest.importorskip("genlock.train.lipsync.tower")
    with pytest.raises(InputError, match="at least 4"):
        sync_tower.TowerRecipe({"a": talker(3)}, {})


def test_file_gives_the_same_model(tmp_path: Path) -> None:
    model = replace(random_tower(), share=0.25, calibration={"sharpness": 3.0}, facts={"clips": 7})
    save_tower(model, tmp_path / "a.npz")
    save_tower(model, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_tower(tmp_path / "a.npz")
    assert (back.options, back.share, back.calibration, back.facts) == (
        model.options,
        0.25,
        {"sharpness": 3.0},
        {"clips": 7},
    )
    assert all(np.array_equal(back.arrays[k], model.arrays[k]) for k in model.arrays)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "model.npz"
    save_tower(random_tower(), target)
    whole = target.read_bytes()
    for damage in (whole[: len(whole) // 2], b"nothing", whole.replace(b"lipsync-tower", b"lipsync-toast")):
        target.write_bytes(damage)
        with pytest.raises(FormatError):
            load_tower(target)
    with zipfile.ZipFile(target, "w"):
        pass
    with pytest.raises(FormatError, match="train it again"):
        load_tower(target)


def test_shapes_and_options_are_checked() -> None:
    arrays = dict(random_tower().arrays)
    with pytest.raises(FormatError, match="frame of a tower has shape"):
        TowerModel(SMALL, {**arrays, "frame": arrays["frame"].T})
    with pytest.raises(OptionError, match="share"):
        TowerModel(SMALL, arrays, share=1.5)
    with pytest.raises(OptionError, match="components"):
        TowerOptions(components=0)


def test_its_curve_is_added_by_its_share(linear: LinearModel) -> None:
    clip = talker(4, seed=3)
    tower = random_tower()
    alone = [LipsSync(linear, replace(tower, share=share)).cues(clip)[0].curve for share in (0.0, 1.0, 0.25)]
    plain = LinearSync(linear).cues(clip)[0].curve
    assert plain is not None
    first, last, mixed = (np.asarray(curve.values) for curve in alone if curve is not None)
    assert np.allclose(first, plain.values, equal_nan=True)
    assert clip.mel is not None
    said, heard = picture_tower(clip.faces[0], tower), sound_tower(clip.mel, tower)
    own = correlate(heard, said, "1.2", weights=tower.arrays["weights"], least_overlap="0.4")
    assert np.allclose(last, own.values, equal_nan=True)
    assert np.allclose(mixed, 0.75 * first + 0.25 * last, equal_nan=True)


@pytest.fixture(scope="module")
def linear() -> LinearModel:
    from genlock.lipsync.estimators.linear import LinearOptions
    from genlock.train.lipsync.linear import fit_linear
    from genlock.train.options import SyncTraining

    look = LinearOptions(components=4, speeds=2, pairs=3)
    return fit_linear({f"clip{k}": talker(3, seed=k) for k in range(6)}, SyncTraining(look=look, copies=1))


def test_own_tower_is_whole_and_says_what_it_is() -> None:
    from genlock.weights import registry

    assert registry.verify("lipsync-tower").state == "sound"
    model = default_tower()
    assert model.facts["clips"] > 100
    assert "GRID" in model.facts["training"]["data"]
    assert model.calibration["sharpness"] > 0
    folder = registry.require("lipsync-tower").parent
    assert "CC BY 4.0" in (folder / "MODEL_CARD.md").read_text()
