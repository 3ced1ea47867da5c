"""The finder with eyes finds what motion finds, and says of each where it is and what it is made of."""

from __future__ import annotations

import pytest

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


def test_instants_are_those_of_motion_and_materials_are_told(film) -> None:
    by_motion = find_events(film, EventOptions("contacts", least_probability=0.3))
    seen = find_events(film, EventOptions("learned", least_probability=0.3))
    assert len(seen) == len(by_motion) > 0
    assert seen.instants() == pytest.approx(by_motion.instants(), abs=0.004)  # grey is made another way
    for event in seen:
        assert sum(share for _, share in event.materials) == pytest.approx(1, abs=1e-4)
        assert event.material == event.materials[0][0]
        assert 0.01 < event.size < 1


def test_pictures_are_let_go(film) -> None:
    finder = make_finder(EventOptions("learned"))
    read(film, [finder])
    assert len(finder._pictures) <= 6  # type: ignore[attr-defined]
