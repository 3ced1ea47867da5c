"""The world of impacts: contacts are read back from the sound and from the picture."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genlock.core.time import round_fraction
from genlock.data.corpora.impacts import contacts_of
from genlock.data.options import PrepareOptions
from genlock.data.prepare import prepare
from genlock.data.reading import ClipSet
from genlock.media import read_audio
from genlock.synth.impacts.films import render_impact
from genlock.synth.impacts.plans import Disturbance, ImpactOptions, plan_one
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.impacts.truth import load_impact_truth, truth_path
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
