"""The finder with eyes looks closely where motion says, in whatever pieces, and says what things are made of."""

from __future__ import annotations

import pytest

from genlock.foley import learned as room
from genlock.foley.finding import EventOptions, find_events, make_finder
from genlock.media import read
from genlock.synth.impacts.films import make_impact
from genlock.synth.impacts.plans import ImpactOptions, plan_one


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("learned")
    plan = plan_one(ImpactOptions(seconds=2, rates=("60",), scenes=("sticks",), seed=3, difficulty=0.2), 0)
    make_impact(folder, plan)
    return folder / f"{plan.name}.mp4"


def test_materials_are_told_of_what_is_found(film) -> None:
    seen = find_events(film, EventOptions("learned", least_probability=0.3))
    assert len(seen) > 0
    for event in seen:
        assert sum(share for _, share in event.materials) == pytest.approx(1, abs=1e-4)
        assert event.material == event.materials[0][0]
        assert 0.01 < event.size < 1


def test_pieces_give_what_the_whole_gives(film, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for at_a_time in (9, 1000):
        monkeypatch.setattr(room, "_AT_A_TIME", at_a_time)
        finder = make_finder(EventOptions("learned"))
        read(film, [finder])
        found.append(finder.events())
    assert len(found[0]) == len(found[1]) > 3
    for one, two in zip(*found, strict=True):
        assert one.instant == pytest.approx(two.instant, abs=1e-5)
        assert (one.x, one.y, one.size) == pytest.approx((two.x, two.y, two.size), rel=1e-4)
        assert one.material == two.material


def test_pictures_are_let_go(film) -> None:
    finder = make_finder(EventOptions("learned"))
    read(film, [finder])
    assert not finder._pictures  # type: ignore[attr-defined]
