"""A finder that knows motion alone: the network in numpy is that of torch, pieces give what the whole gives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.foley.strikes import contacts, matched, stick_film

from genlock.core.errors import FormatError, OptionError
from genlock.extractors.picture.motion_maps import CHANNELS, MAP_SHAPE
from genlock.foley import contacts as room
from genlock.foley.contacts import ContactFinder, events_of_rows
from genlock.foley.finding import EventOptions, find_events
from genlock.media import VideoCell
from genlock.models.foley.contacts import (
    ContactModel,
    ContactRows,
    ContactShape,
    array_shapes,
    load_contacts,
    prepared_maps,
    save_contacts,
)
from genlock.models.foley.reading import Reading


def some_model(seed: int = 0) -> ContactModel:
    draw = np.random.default_rng(seed)
    shape = ContactShape(width=6)
    arrays = {
        name: draw.normal(0, 0.3, size).astype(np.float32) for name, size in array_shapes(shape).items()
    }
    return ContactModel(shape, arrays, Reading(0.3, 0.002), {"data": "nothing"})


def some_maps(count: int, seed: int = 1) -> np.ndarray:
    maps = np.random.default_rng(seed).normal(0, 0.2, (count, *MAP_SHAPE, len(CHANNELS))).astype(np.float32)
    maps[..., 11:13] = 0.04
    return maps


def test_numpy_is_torch() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.contact_network import ContactNetwork

    model, maps = some_model(), some_maps(9)
    network = ContactNetwork(model.shape)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in model.arrays.items()})
    with torch.no_grad():
        told = network(torch.from_numpy(prepared_maps(maps))[None])
    rows = model.rows(maps)
    np.testing.assert_allclose(rows.presence, told.presence[0].sigmoid().numpy(), atol=2e-5)
    np.testing.assert_allclose(rows.place, told.place[0].clip(-1, 1).numpy(), atol=2e-4)
    np.testing.assert_allclose(rows.impulse, told.impulse[0].numpy(), atol=2e-4)
    assert network.arrays().keys() == model.arrays.keys()


def test_pieces_give_what_the_whole_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_contacts(some_model(), tmp_path / "model.npz")
    draw = np.random.default_rng(3)
    cells = [
        VideoCell(
            draw.integers(0, 255, (60, 80)).astype(np.uint8) // 4,
            k,
            Fraction(k, 20),
            Fraction(k + 1, 20),
            "film",
        )
        for k in range(60)
    ]
    found = []
    for at_a_time in (7, 1000):
        monkeypatch.setattr(room, "_AT_A_TIME", at_a_time)
        finder = ContactFinder(EventOptions("contacts", str(tmp_path / "model.npz")))
        for cell in cells:
            finder.push(cell)
        finder.finish()
        found.append(finder.events())
    assert len(found[0]) == len(found[1]) > 3
    for one, two in zip(*found, strict=True):
        assert abs(one.instant - two.instant) < Fraction(1, 10_000)
        assert one.impulse == pytest.approx(two.impulse, rel=1e-4)


def test_instants_lie_between_frames_however_they_are_apart() -> None:
    """A contact a quarter of the way between two frames that are 60 ms apart, among others of 20 ms."""
    instants = [Fraction(k, 50) for k in range(5)] + [Fraction(14, 100) + Fraction(k, 50) for k in range(5)]
    presence, place = np.zeros(10, np.float32), np.zeros(10, np.float32)
    presence[4:6], place[4:6] = (0.75, 0.25), (0.25, -0.75)
    zeros = np.zeros(10, np.float32)
    rows = ContactRows(presence, place, zeros - 1, zeros + 0.25, zeros + 0.5)
    (event,) = events_of_rows(rows, instants, Reading(0.5))
    assert float(event.instant) == pytest.approx(0.08 + 0.015, abs=1e-6)
    assert (event.probability, event.x) == pytest.approx((1.0, 0.25))
    assert event.impulse == pytest.approx(0.1)


@pytest.mark.parametrize(("rate", "shake"), [(15, 0.0), (30, 2.0)])
def test_sticks_that_strike(tmp_path: Path, rate: int, shake: float) -> None:
    hits = contacts(6, rate)
    film = stick_film(tmp_path / "stick.mp4", rate, hits, seed=rate, shake=shake)
    found = find_events(film, EventOptions("contacts"))
    count, errors = matched(found.instants(), hits, 0.05)
    assert count >= 5
    assert len(found) <= 7
    # At 15 frames a second a third of a frame is 22 ms.
    assert abs(float(np.median(errors))) < 0.35 / rate


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.npz").write_bytes(b"nothing")
    with pytest.raises(FormatError):
        load_contacts(tmp_path / "model.npz")
    model = some_model()
    with pytest.raises(FormatError, match="level of a finder of contacts"):
        ContactModel(model.shape, {k: v for k, v in model.arrays.items() if k != "level"})
    with pytest.raises(OptionError):
        ContactShape(rows=7)
    with pytest.raises(OptionError):
        ContactShape(dilations=(1,))
