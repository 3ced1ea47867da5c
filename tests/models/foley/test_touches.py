"""A model of touches: it answers as the network that learns, in any light and in pieces; its file holds all of it."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import FormatError, OptionError
from genlock.models.foley.contacts import ContactRows, ContactShape
from genlock.models.foley.glances import (
    ANSWERED,
    FRAMES,
    Glances,
    centres_of,
    combined,
    corners_of,
    frames_of,
    glances_of,
    parts_of,
)
from genlock.models.foley.reading import Reading
from genlock.models.foley.small_pictures import NUMBERS, greys_of, small_picture, tints_of
from genlock.models.foley.touches import (
    TouchModel,
    TouchShape,
    array_shapes,
    larger,
    load_touches,
    motion_of,
    save_touches,
    shown,
)

SMALL = TouchShape(
    ContactShape(width=5, dilations=(1, 1), across=(1, 0)), channels=(4, 5), width=7, dilations=(1, 2)
)


def small_model(seed: int = 0) -> TouchModel:
    random = np.random.default_rng(seed)
    arrays = {
        name: (random.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 4))).astype(np.float32)
        for name, shape in array_shapes(SMALL).items()
    }
    arrays["motion.level"] -= 5
    return TouchModel(SMALL, arrays, Reading(0.4, 0.003))


def film(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, NUMBERS), np.uint8)
    return small, random.normal(size=(count, 12, 16, 15)).astype(np.float32)


def test_the_network_that_learns_is_the_same() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.touch_network import TouchNetwork

    torch.manual_seed(0)
    network = TouchNetwork(SMALL)
    (small, maps), model = film(0, 15), small_model()
    own = model.motion_arrays
    motion = motion_of(maps, own, SMALL.motion)
    places = np.array([[0.1, 0.9], [0.6, 0.4], [0.5, 0.5]], np.float32)
    looks = Glances(np.array([1, 7, 14]), places, corners_of(places, 8))
    seen = shown(
        parts_of(greys_of(small), looks, 64)[:, :, 0], parts_of(tints_of(small), looks, 32)
    ).transpose(0, 3, 1, 2)
    given = [torch.from_numpy(np.ascontiguousarray(seen))] + [
        torch.from_numpy(
            np.ascontiguousarray(parts_of(rows.transpose(0, 3, 1, 2), looks, 8).transpose(0, 1, 3, 4, 2))
        )
        for rows in (maps, larger(motion.hidden))
    ]
    given.insert(2, torch.from_numpy(motion.told[frames_of(looks.centres, 15)]))
    for _ in range(3):  # so that the normalisation has seen something
        network.train()(*given)
    arrays = {**{f"motion.{name}": a for name, a in own.items()}, **network.eval().arrays()}
    assert {name: a.shape for name, a in arrays.items()} == array_shapes(SMALL)
    with torch.no_grad():
        theirs = network(*given)
    ours = TouchModel(SMALL, arrays).answers(small, maps, motion, looks)
    assert ours.shape == (3, ANSWERED, 5)
    np.testing.assert_allclose(ours[..., 0], theirs.presence.sigmoid().numpy(), atol=1e-5)
    np.testing.assert_allclose(ours[..., 1], theirs.place.clip(-1, 1).numpy(), atol=1e-5)
    np.testing.assert_allclose(ours[..., 2], theirs.impulse.numpy(), atol=1e-5)
    likeliest = theirs.places.argmax(dim=-1).numpy()
    sure = theirs.places.softmax(dim=-1).amax(dim=-1).numpy() > 0.9
    x = (looks.corners[:, :1] + likeliest % 8 + 0.5) / 16
    np.testing.assert_allclose(ours[..., 3][sure], x[sure], atol=0.06)


def test_what_is_told_depends_on_no_frame_out_of_reach() -> None:
    model, (small, maps) = small_model(), film(2)
    whole, reach = model.rows(small, maps), SMALL.reach
    part = model.rows(small[5:37], maps[5:37])
    inner = slice(reach, 32 - reach)
    assert (whole.presence > 0).sum() > 10  # it was looked at
    for one, other in zip(vars(part).values(), vars(whole).values(), strict=True):
        np.testing.assert_allclose(one[inner], other[5:37][inner], atol=1e-5)


def test_looks_are_taken_where_motion_says_so() -> None:
    presence = np.zeros(30, np.float32)
    presence[[4, 5, 17, 29]] = 0.3, 0.5, 0.08, 0.4
    assert [int(k) for k in centres_of(presence)] == [5, 17, 29]
    assert len(centres_of(np.zeros(5, np.float32))) == 0
    assert frames_of(np.array([1]), 6).tolist() == [[0, 0, 0, 0, 1, 2, 3, 4, 5]]
    half = np.full(30, 0.5, np.float32)
    looks = glances_of(ContactRows(presence, half, half, 0 * half, half + 0.5), 8)
    assert looks.centres.tolist() == [5, 17, 29]
    assert looks.corners.tolist() == [[0, 4]] * 3  # within the picture


def test_two_looks_at_a_frame_are_put_together_and_the_nearer_one_counts_more() -> None:
    half = np.full(12, 0.5, np.float32)
    rows = ContactRows(half, half, -half, half, half)
    looks = Glances(np.array([4, 7]), np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int64))
    answers = np.zeros((2, ANSWERED, 5), np.float32)
    answers[0, :, 0], answers[0, :, 3], answers[1, :, 3] = 1.0, 0.2, 0.8
    found = combined(rows, looks, answers)
    assert found.presence[[2, 3, 4]].tolist() == [1, 1, 1]
    assert found.presence[5] == pytest.approx(4 / 5)  # one frame from the one, two from the other
    assert found.presence[6] == pytest.approx(1 / 5)
    assert found.presence[[0, 1, 10, 11]].tolist() == [0, 0, 0, 0]  # nobody looked
    assert found.x[5] == pytest.approx(0.8 * 0.2 + 0.2 * 0.8)
    assert found.impulse[0] == rows.impulse[0]


def test_light_and_exposure_matter_little() -> None:
    random = np.random.default_rng(0)
    grey = random.integers(30, 120, (2, FRAMES, 16, 16), np.uint8)
    tints = np.full((2, FRAMES, 2, 8, 8), 128, np.uint8)
    assert np.abs(shown(grey, tints) - shown(2 * grey, tints)).max() < 0.5
    still = shown(np.repeat(grey[:, :1], FRAMES, axis=1), tints)
    assert (still[..., [0, 1, 2, 3, 8, 9, 10, 11]] == 0).all()  # nothing changes
    assert (still[..., 12:] == 0).all()  # it is grey


def test_a_small_picture_keeps_grey_and_colour() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, :40], picture[:, 40:] = 200, (220, 30, 30)
    small = small_picture(picture)[None]
    assert np.abs(greys_of(small)[0, 0, :, :60].astype(int) - 200).max() < 3
    assert np.abs(tints_of(small)[0, :, :, :30].astype(int) - 128).max() < 3
    assert tints_of(small)[0, 0, :, 34:].min() > 180  # red


def test_file(tmp_path) -> None:
    model = small_model()
    save_touches(model, tmp_path / "model.npz")
    again = load_touches(tmp_path)
    assert (again.shape, again.reading) == (model.shape, model.reading)
    # It is kept in half the bits.
    np.testing.assert_allclose(again.rows(*film(3)).presence, model.rows(*film(3)).presence, atol=0.03)
    with pytest.raises(FormatError, match=r"enter\.weight"):
        TouchModel(SMALL, {k: v for k, v in model.arrays.items() if k != "enter.weight"})
    with pytest.raises(OptionError, match="12 rows and 16 columns"):
        TouchShape(ContactShape(rows=6))
    with pytest.raises(OptionError, match="even"):
        TouchShape(side=7)
