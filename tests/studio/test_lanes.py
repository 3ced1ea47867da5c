"""Lanes of the timeline: curves of any rate in tiles on their own grid, shots and phones as spans."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from tests.report.clips import planted

from genlock.core import Grid, Track
from genlock.core.json_forms import write_json
from genlock.core.track_file import save_track
from genlock.report.pyramid import read_tile
from genlock.studio.lanes import lanes_folder

from .conftest import Served


@pytest.fixture(scope="module")
def lanes(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    root = tmp_path_factory.mktemp("lanes")
    planted(root / "film.mp4", count=20)
    served = serve(root, jobs=False)
    (file,) = served.studio.folder.files()[0]
    own = lanes_folder(served.studio.folder, file)
    own.mkdir(parents=True)
    grid = Grid("30000/1001", "1/3")
    save_track(Track(np.linspace(0, 1, 5000), grid, name="rise"), own / "rise.npz")
    save_track(Track(np.random.default_rng(1).random((300, 13)), grid, name="bands"), own / "bands.npz")
    save_track(Track(np.zeros((4, 8, 8, 3), np.uint8), grid, name="pictures"), own / "pictures.npz")
    (own / "broken.npz").write_bytes(b"no track")
    write_json(
        own / "shots.spans.json", {"name": "shots", "spans": [{"start": "0", "end": "1/3", "label": "1"}]}
    )
    return served


def test_a_curve_lies_on_its_own_grid_at_every_level(lanes: Served) -> None:
    address = f"/api/clips/{lanes.ident('film.mp4')}/lanes"
    listed = {lane["key"] for lane in lanes.get(address).json()["lanes"]}
    assert listed == {"track:rise", "track:bands", "track:pictures", "track:broken", "spans:shots"}
    told = lanes.get(f"{address}/track/rise").json()
    assert (told["rate"], told["start"], told["length"]) == ("30000/1001", "1/3", 5000)
    for level in range(told["levels"]):
        grid, first, values = read_tile(lanes.get(f"{address}/track/rise/{level}/0").body)
        assert (grid.rate, grid.start, first) == (Fraction(30000, 1001) / 2**level, Fraction(1, 3), 0)
        # The value of a row is that of its middle, to the step of the drawing.
        centers = np.array(
            [
                float((grid.center(k) - Fraction(1, 3)) * Fraction(30000, 1001))
                for k in (0, 7, len(values) - 2)
            ]
        )
        assert np.allclose(values[[0, 7, len(values) - 2], 0], 1 + 254 * (centers - 0.5) / 4999, atol=1.01)
    assert lanes.get(f"{address}/track/bands").json()["width"] == 13
    assert lanes.get(f"{address}/spans/shots").json()["spans"][0]["end"] == "1/3"


@pytest.mark.parametrize("name", ["pictures", "broken", "none", "..%2F..%2Fsecret"])
def test_what_is_no_lane_is_refused(name: str, lanes: Served) -> None:
    address = f"/api/clips/{lanes.ident('film.mp4')}/lanes"
    assert lanes.get(f"{address}/track/{name}").status in (404, 422)
    assert lanes.get(f"{address}/spans/{name}").status in (404, 422)
    assert lanes.get(f"{address}/track/rise/99/0").status == 404
