"""The world of impacts: contacts are read back from the sound and from the picture."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import InputError, OptionError
from genlock.core.time import round_fraction
from genlock.data.corpora.impacts import contacts_of
from genlock.data.options import PrepareOptions
from genlock.data.prepare import prepare
from genlock.data.reading import ClipSet
from genlock.media import read_audio, read_frames
from genlock.synth.impacts.bodies import Body, Striker, Swing, tip_path
from genlock.synth.impacts.films import render_impact
from genlock.synth.impacts.flashdot import FlashDotOptions, make_flashdots
from genlock.synth.impacts.materials import HELD_OUT
from genlock.synth.impacts.plans import Disturbance, ImpactOptions, ImpactPlan, plan_one
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.impacts.truth import load_impact_truth, truth_path
from genlock.synth.impacts.views import View
from genlock.synth.impacts.world import make_impacts


def dry(plan):
    """Without anything that hampers, and no sound but that of the contacts."""
    return replace(plan, disturbance=Disturbance(hiss_decibels=-200.0, quality=12), shutter=0.1)


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_the_sound_of_a_contact_begins_at_its_sample(rate):
    for number in (0, 1, 3):
        plan = dry(plan_one(ImpactOptions(distractors=0.0, seed=5), number))
        truth, _, samples = render_impact(plan, sound_rate=rate)
        first = next(c for c in truth.contacts if c.kind in ("strike", "bounce"))
        assert np.flatnonzero(samples)[0] == round_fraction(first.time * rate, "ceil")


def test_films_keep_every_sample_and_frame_where_it_is(tmp_path):
    options = ImpactOptions(count=2, seconds=2, sizes=("64x64",), rates=("30000/1001", "variable"))
    made = make_impacts(tmp_path, options)
    for name, plan in zip(made.names, plan_impacts(options), strict=True):
        truth = load_impact_truth(truth_path(tmp_path / name))
        planned, frames, samples = render_impact(plan)
        assert truth.contacts == planned.contacts
        sound = read_audio(tmp_path / name, None)
        assert np.abs(np.asarray(sound.values).ravel()[: len(samples)] - samples).max() < 1e-3
        assert sum(1 for _ in frames) == truth.frame_count


def test_contacts_are_read_back_from_a_dataset(tmp_path):
    made = make_impacts(
        tmp_path / "films", ImpactOptions(count=3, seconds=2, sizes=("64x64",), rates=("15",))
    )
    prepare(tmp_path / "films", tmp_path / "set", PrepareOptions(recipe="impacts"))
    for clip in ClipSet(tmp_path / "set", ("frames_64", "sound_24000")):
        truth = made.truths[made.names.index(clip.row["source"])]
        assert contacts_of(clip) == truth.contacts
        frames = clip.tracks["frames_64"]
        assert frames.values.shape == (truth.frame_count, 64, 64, 3)
        assert frames.grid.edge(3) == Fraction(3, 15)


PINK = (255, 0, 255)


def one_stick(rate, variable=False):
    """A pink tip that comes down on a block at three instants, seen from the side."""
    swings = tuple(
        Swing(Fraction(at), (0.0, 0.0, 0.06), 0, 0.2, 2.0, 0.15, 0.2) for at in ("0.44", "0.9317", "1.5203")
    )
    wood, skin = (150, 110, 60), (200, 160, 130)
    stick = Striker("mallet", swings, 0.05, 0.3, (0.8, 0.0, 0.6), (0.0, 0.0), 0.02, (wood, PINK, skin, skin))
    block = Body("box", "stone", 0.12, (0.0, 0.0, 0.0), 0.06, 0.0, 1)
    return ImpactPlan(
        name="stick",
        seed=3,
        scene="sticks",
        view=View(160, 120, distance=1.0, pitch=0.1, roll=0.0, span=0.6),
        rate=Fraction(rate),
        variable_rate=variable,
        seconds=Fraction(2),
        shutter=0.05,
        ground="cloth",
        bodies=(block,),
        strikers=(stick,),
        disturbance=Disturbance(hiss_decibels=-200.0),
    )


@pytest.mark.parametrize(("rate", "variable"), [(15, False), (25, False), (60, False), (30, True)])
def test_the_picture_shows_the_contact_in_the_frame_of_its_instant(rate, variable):
    truth, frames, _ = render_impact(one_stick(rate, variable))
    rows = []
    for frame in frames:
        pink = np.abs(frame.astype(int) - PINK).sum(axis=2) < 60
        rows.append(np.flatnonzero(pink.any(axis=1)).max())
    rows, edges = np.array(rows), truth.cells.edges(truth.frame_count)[:-1]
    for contact in truth.contacts:
        near = np.flatnonzero(np.abs(edges - float(contact.time)) < 0.2)
        lowest = near[rows[near] == rows[near].max()]
        # The lowest frame is one of the two whose stamps the contact lies between.
        before = truth.cells.index(contact.time)
        assert {before, before + 1} & set(lowest.tolist())
        # What is seen of the tip ends where the truth says that it touches.
        if min(abs(edges[lowest] - float(contact.time))) < 0.0005:
            assert rows[near].max() + 1 == pytest.approx(contact.y * 120, abs=2.5)


def test_a_tip_touches_at_its_instants_and_at_no_other():
    for number in range(0, 24, 2):
        plan = plan_one(ImpactOptions(distractors=1.0, seed=2), number)
        for striker in plan.strikers:
            for swing in striker.swings:
                _, height = tip_path(striker, [float(swing.at)])
                assert height[0] == pytest.approx(swing.gap, abs=1e-6)
            instants = np.linspace(0, 4, 4001)
            _, heights = tip_path(striker, instants)
            touching = [s for s in striker.swings if not s.gap]
            for at in instants[heights < 1e-6]:
                assert any(float(s.at) - 1e-3 <= at <= float(s.end) + 1e-3 for s in touching)


def test_a_pair_differs_in_one_factor_and_its_contacts_are_equal():
    plans = list(plan_impacts(ImpactOptions(count=4, pairs=True, seed=1)))
    for one, two in zip(plans[::2], plans[1::2], strict=True):
        a, b = (render_impact(plan)[0] for plan in (one, two))
        assert [c.time for c in a.contacts] == [c.time for c in b.contacts]
        assert a.pair["factor"] == b.pair["factor"]
        assert a.pair["value"] != b.pair["value"]
        quantity = {"material": "material", "speed": "speed", "size": "size", "distance": "distance"}
        name = quantity[a.pair["factor"]]
        assert all(getattr(x, name) != getattr(y, name) for x, y in zip(a.contacts, b.contacts, strict=True))


def test_what_is_held_out_is_never_made_otherwise():
    usual = [c for n in range(16) for c in render_impact(plan_one(ImpactOptions(seed=4), n))[0].contacts]
    assert not {c.material for c in usual} & set(HELD_OUT)
    other = ImpactOptions(seed=4, held_out=("materials", "sizes", "speeds", "rates"))
    plans = [plan_one(other, n) for n in range(8)]
    bodies = [body for plan in plans for body in plan.bodies]
    assert {body.material for body in bodies} <= set(HELD_OUT)
    assert all(not 0.065 < body.size < 0.17 for body in bodies)
    assert not {plan.rate for plan in plans} & {Fraction(25), Fraction(30), Fraction(15)}


def test_a_dot_flashes_in_the_frame_in_which_its_beep_begins(tmp_path):
    options = FlashDotOptions(count=3, seconds=2, rates=("15", "30000/1001", "variable"), dots=3)
    made = make_flashdots(tmp_path, options)
    for name, truth in zip(made.names, made.truths, strict=True):
        bright = [k for k, cell in enumerate(read_frames(tmp_path / name)) if cell.pixels.max() > 150]
        assert [truth.cells.edge(k) for k in bright] == [c.time for c in truth.contacts]
        sound = np.abs(np.asarray(read_audio(tmp_path / name, None).values).ravel())
        loud = np.flatnonzero(sound > 1e-3)
        first = loud[np.diff(loud, prepend=-(10**6)) > 1000]
        assert first.tolist() == [round_fraction(c.time * 24000, "ceil") for c in truth.contacts]


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"sizes": ("63x64",)},
        {"rates": ("500",)},
        {"scenes": ("jumps",)},
        {"difficulty": 2.0},
        {"seconds": 0},
    ],
)
def test_wrong_options_are_told(wrong):
    with pytest.raises(OptionError):
        ImpactOptions(**wrong)


def test_a_folder_without_one_shots_is_told(tmp_path):
    with pytest.raises(InputError, match="fetch_oneshots"):
        make_impacts(tmp_path / "out", ImpactOptions(count=1, oneshots=str(tmp_path)))
