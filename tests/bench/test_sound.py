"""``genlock bench sound`` on a few films: the truth leads, silence is nothing, and each control is told."""

import numpy as np
import pytest
import soundfile

from genlock.bench.sound import SoundBenchOptions, bench_sound
from genlock.bench.sound_clips import read_sound_clip
from genlock.bench.sound_hearing import RATE, hearing, hit_features
from genlock.core.errors import InputError
from genlock.metrics.onsets import CONTROLS
from genlock.synth.impacts.contacts import events_of, hear
from genlock.synth.impacts.materials import MATERIALS
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.impacts.sound import first_sample
from genlock.synth.impacts.world import make_impacts


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("impacts") / "films"
    make_impacts(
        folder,
        ImpactOptions(
            count=4, seconds=2, sizes=("64x64",), rates=("12",), difficulty=0.2, distractors=0.0, pairs=True
        ),
    )
    return folder


def rows(bench, protocol):
    return {row.system: row.figures for row in bench.table if row.protocol == protocol}


def test_every_system_and_control_is_told(films, tmp_path):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for film in sorted(films.glob("*.mp4")):
        late = np.concatenate([np.zeros(RATE // 10), read_sound_clip(film, motion=False).sound])
        soundfile.write(sounds / f"{film.stem}.wav", late[: 2 * RATE], RATE)
    bench = bench_sound(films, SoundBenchOptions(sounds=str(sounds), name="late"), tmp_path / "run.json")
    onsets, levels, heard = (rows(bench, name) for name in ("onsets", "levels", "heard"))
    assert list(onsets) == [*CONTROLS, "late"]
    assert onsets["truth"]["F 50 ms"].value > 0.9
    assert onsets["silence"]["F 50 ms"].value == 0
    assert onsets["late"]["offset ms"].value == pytest.approx(100, abs=2)
    assert onsets["late"]["F 50 ms"].value < 0.3
    assert levels["truth"]["impulse r"].value > 0.7
    assert levels["truth"]["energy r"].value == pytest.approx(1)
    assert heard["truth"]["material"].value > 0.6
    assert heard["silence"]["material"].value == 0
    assert heard["truth"]["KAD"].value <= heard["truth"]["KAD floor"].value
    assert heard["silence"]["KAD"].value > heard["truth"]["KAD floor"].value
    pairs = rows(bench, "pairs")
    assert pairs["truth"]["sign right"].value == 1
    assert pairs["silence"]["sign right"].value == 0
    assert rows(bench, "legacy, misleading")["silence"]["onset AP 300 ms"].value == 1
    assert (tmp_path / "run.json").is_file()
    assert "KL(true || made)" in str(bench)


def test_a_folder_without_films_is_told(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(InputError, match="too few"):
        bench_sound(tmp_path, SoundBenchOptions(only_controls=True))


def test_materials_are_heard_in_a_room_at_a_distance_and_cut_off_by_what_follows():
    """The classifier had learnt near blows that ring out alone, and read a third of the true sounds of films."""
    right = []
    for plan in plan_impacts(ImpactOptions(count=24, seed=5, scenes=("sticks", "drops"), films=False)):
        sound, contacts, _ = hear(plan, events_of(plan), RATE)
        firsts = [first_sample(contact.time, RATE) for contact in contacts]
        for contact, first, stop in zip(contacts, firsts, [*firsts[1:], len(sound)], strict=True):
            if contact.audible and stop - first > RATE // 20:
                told = hearing().posteriors(hit_features(sound[first:stop]))[0].argmax()
                right.append(list(MATERIALS)[told] == contact.material)
    assert len(right) > 60
    assert np.mean(right) > 0.75
