"""``genlock train talker``: what is planted is learnt, at every frame rate; gaps are not; stopped runs go on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("pyarrow")

import torch
from tests.train.planted_faces import (
    MEL,
    hidden,
    planted_bands,
    planted_dataset,
    planted_face,
    planted_neutral,
)

from genlock.cli import main
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.data.reading import ClipSet
from genlock.extractors.face.pose import upright_mesh
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.networks import NetworkShape
from genlock.models.talker.resting import opening_of
from genlock.models.talker.talker import Emphasis, load_talker
from genlock.synth.talkers.plans import TalkerOptions
from genlock.synth.talkers.truth import load_talker_truth
from genlock.synth.talkers.world import make_talkers
from genlock.train.options import LoopOptions
from genlock.train.talker.augment import UNCHANGED, Changes, changed_bands
from genlock.train.talker.clips import talking_clip
from genlock.train.talker.examples import balanced
from genlock.train.talker.figures import closures_of, fit_emphasis, own_reaches
from genlock.train.talker.films import TalkingFilms, open_talking
from genlock.train.talker.losses import ASKED, Asked, at_frames, talker_loss
from genlock.train.talker.options import LossWeights, TalkerTraining
from genlock.train.talker.recipe import TalkerRecipe, train_talker
from genlock.train.talker.reports import Row, over_seeds, report
from genlock.train.talker.targets import SHAPE_HANDLES, basis_errors, build_basis

SMALL = NetworkShape(width=24, dilations=(1, 2))
QUICK = LoopOptions(
    steps=80, learning_rate=5e-3, save_every=40, evaluate_every=80, ema=0.9, threads=1, decay="linear"
)
TRAINING = TalkerTraining(network=SMALL, components=6, batch=6, dropout=0.0, changes=UNCHANGED)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_dataset(tmp_path_factory.mktemp("planted") / "set")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For trainings of which only the way is looked at."""
    return planted_dataset(tmp_path_factory.mktemp("planted") / "few", clips=10, seconds=2)


@pytest.fixture(scope="module")
def films(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TalkingFilms:
    return open_talking([dataset], tmp_path_factory.mktemp("films"), TRAINING)


@pytest.fixture(scope="module")
def recipe(films: TalkingFilms) -> TalkerRecipe:
    return TalkerRecipe(films.learnt, films.held, TRAINING)


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "talker"
    train_talker([dataset], folder, TRAINING, QUICK)
    return folder


def test_what_is_planted_is_learnt_and_serves_every_frame_rate(trained: Path) -> None:
    talker = load_talker(trained)
    neutral, seed = planted_neutral(1), 777  # a clip that nobody has heard
    weights = talker.weights({"mel:kaldi": Track(planted_bands(300, seed), MEL)})
    for rate in ("21.5", "25", "30000/1001", "50"):
        cells = Grid(Fraction(rate))
        found = weights.on(cells, length=int(cells.rate * 3) - 1)
        true = planted_face(found.centers, seed, neutral)
        made = talker.basis.points(found.values, neutral.astype(np.float32))
        a, b = opening_of(true)[found.valid], opening_of(made)[found.valid]
        assert np.corrcoef(a, b)[0, 1] > 0.9
        # Nothing is late at any rate: the best shift among +-40 ms is none.
        shifted = [
            np.corrcoef(opening_of(planted_face(found.centers + s, seed, neutral))[found.valid], b)[0, 1]
            for s in (-0.04, -0.02, 0, 0.02, 0.04)
        ]
        assert int(np.argmax(shifted)) == 2


def test_the_report_stands_beside_what_needs_no_talker(trained: Path) -> None:
    card = (trained / "MODEL_CARD.md").read_text()
    assert "genlock train talker" in card
    assert "line from loudness" in card
    found = load_talker(trained).facts["report"]
    assert found["talker"]["mouth_lmd_below_mean"]["value"] > 0.5
    assert found["talker"]["correlation"]["value"] > found["another_sound"]["correlation"]["value"] + 0.3
    assert 0.7 < found["talker"]["energy"]["value"] < 1.3
    interval = found["talker"]["correlation"]
    assert interval["low"] <= interval["value"] <= interval["high"]


def test_a_run_that_was_stopped_goes_on_to_the_bit(few: Path, tmp_path: Path) -> None:
    loop = replace(QUICK, steps=6, save_every=3, evaluate_every=6)
    training = replace(TRAINING, changes=Changes(), dropout=0.2, manner=0.5)
    films = open_talking([few], tmp_path, training)
    from genlock.train.loop import train

    class Stopped(Exception):
        pass

    def stop(_: str, done: int, total: int) -> None:
        if done == 4:
            raise Stopped

    # One for all runs: it draws everything from the seed and the update.
    recipe = TalkerRecipe(films.learnt, films.held, training)
    train(recipe, loop, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(recipe, loop, tmp_path / "parts", stop)
    train(recipe, loop, tmp_path / "parts")
    assert _losses(tmp_path / "whole") == _losses(tmp_path / "parts")


def _losses(run: Path) -> list[Any]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines]


@pytest.mark.parametrize("kind", ["lstm", "gru", "transformer"])
def test_the_road_of_the_diary_and_other_networks_are_walkable(few: Path, tmp_path: Path, kind: str) -> None:
    """A recurrent network with a time delay of 200 ms, as obamanet's and WAV2KP's; and the others."""
    shape = NetworkShape(
        kind, width=16, layers=1, heads=2, causal=kind == "lstm", delay=10 if kind == "lstm" else 0
    )
    training = replace(
        TRAINING, network=shape, live=kind == "lstm", losses=LossWeights(velocity_loss=0, energy_loss=0)
    )
    train_talker([few], tmp_path, training, replace(QUICK, steps=2, evaluate_every=2))
    talker = load_talker(tmp_path)
    assert talker.shape == shape
    assert talker.lookahead_seconds == (
        Fraction(1, 5) if kind == "lstm" else None if kind == "gru" else talker.lookahead_seconds
    )


def test_words_are_heard_beside_bands(few: Path, tmp_path: Path) -> None:
    training = replace(TRAINING, hears=("mel:kaldi", "words"), changes=Changes())
    train_talker([few], tmp_path, training, replace(QUICK, steps=2, evaluate_every=2))
    talker = load_talker(tmp_path)
    assert [one.labels for one in talker.listening.heard] == [(), ("bin",)]
    assert talker.features == ("mel:kaldi",)


def test_the_command_leaves_a_speaker_out(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--width",
        "8",
        "--dilations",
        "1",
        "--components",
        "4",
        "--steps",
        "2",
        "--leave-out",
        "s1",
        "--json",
    ]
    main(["train", "talker", str(few), "-o", str(tmp_path / "run"), *words])
    assert json.loads(capsys.readouterr().out)["figures"]
    assert "s1" not in load_talker(tmp_path / "run").facts["speakers"]
    with pytest.raises(InputError, match="no speaker 's9'.*s0, s1, s2"):
        open_talking([few], tmp_path, replace(TRAINING, leave_out=("s9",)))


def test_talkers_that_were_made_are_learnt_in_a_manner_of_their_own(few: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    make_talkers(made, TalkerOptions(count=3, films=False, landmarks=False, sound_rate=16000, rooms=0))
    films = open_talking([few, made], tmp_path / "run", TRAINING)
    own = [clip for clip in films.learnt if clip.made]
    assert len(own) == 3
    assert "own" in films.voices
    truth = load_talker_truth(made / "000001.talker.json")
    assert np.allclose(own[1].points, upright_mesh(truth.landmarks().values), atol=1e-5)
    # Where the mouth of /p b m/ is shut, the clip's lips are; and the sound is loud while words are said.
    shut = truth.closures.on(truth.cells, truth.frame_count) >= 0
    assert opening_of(own[1].points[shut]).max() < 0.03 < opening_of(own[1].points[~shut]).mean()
    assert own[1].heard["words"][0].start == truth.words[0].start
    # Its phones say what is asked of the lips: its own face closes them all, one that stays open none.
    right = closures_of(own[1], own[1].face)
    widest = own[1].points[[opening_of(own[1].points).argmax()]]
    still = own[1].face.map(lambda values: np.repeat(widest, len(values), axis=0))
    assert right.recall == 1 > closures_of(own[1], still).recall
    assert right.wanted == len(truth.closures)
    people = TalkerRecipe([clip for clip in films.learnt if not clip.made], films.held, TRAINING)
    both = TalkerRecipe(films.learnt, films.held, TRAINING)
    assert np.array_equal(both.basis.components, people.basis.components)
    assert both.speakers == ["made", "s0", "s1", "s2"]
    for number, clip in enumerate(both.clips):
        example = both._example(number, np.random.default_rng(number))
        assert example.speaker == (0 if clip.made else -1)
    with pytest.raises(InputError, match="only talkers that were made.*--recipe talkers"):
        open_talking([made], tmp_path / "run", TRAINING)


# ---------------------------------------------------------------- the parts


def test_speakers_with_few_clips_are_taken_more_often() -> None:
    names = ["a"] * 16 + ["b"] * 4 + ["c"]
    counts = {balance: Counter(names[k] for k in balanced(names, balance)) for balance in (0.0, 0.5, 1.0)}
    assert counts[0.0] == {"a": 16, "b": 4, "c": 1}
    assert counts[0.5] == {"a": 16, "b": 8, "c": 4}
    assert counts[1.0] == {"a": 16, "b": 16, "c": 16}


def test_how_far_a_speaker_goes_is_told_by_the_other_clips(films: TalkingFilms, recipe: TalkerRecipe) -> None:
    said = {}
    for clip in films.learnt:
        weights = recipe.basis.weights(clip.points, recipe.rest[clip.name]) * clip.valid[:, None]
        said[clip.name] = Track(
            weights * {"s0": 0.5, "s1": 1.0, "s2": 0.8}[clip.speaker], clip.cells, clip.valid
        )
    found = own_reaches(said, films.learnt, recipe.basis)
    for clip in films.learnt:
        wanted = {"s0": 2.0, "s1": 1.0, "s2": 1.25}[clip.speaker]
        assert found[clip.name] == pytest.approx(wanted, rel=0.02)
    alone = films.learnt[:1]
    assert own_reaches(said, alone, recipe.basis) == {alone[0].name: 1.0}


def test_the_flow_learns_where_the_face_is_known(few: Path, tmp_path: Path) -> None:
    training = replace(TRAINING, network=replace(SMALL, head="flow", flow_width=8, flow_steps=2))
    films = open_talking([few], tmp_path, training)
    recipe = TalkerRecipe(films.learnt, films.held, training)
    example = recipe._example(0, np.random.default_rng(0))
    # Between the frames lies what lies between their weights; before the first one, and in a hole, nothing is known.
    at, seen = (example.left + example.share)[example.valid], example.weights[example.valid]
    straight = np.stack([np.interp(np.arange(len(example.heard)), at, column) for column in seen.T], axis=1)
    assert np.abs(example.cell_weights - straight)[example.cell_valid].max() < 1e-4
    assert 0.8 < example.cell_valid.mean() < 1
    train_talker([few], tmp_path / "run", training, replace(QUICK, steps=2, evaluate_every=2))
    assert load_talker(tmp_path / "run").shape.head == "flow"
    log = [json.loads(line) for line in (tmp_path / "run/run/log.jsonl").read_text().splitlines()]
    assert log[-1]["flow"] > 0


def test_gaps_are_never_learnt_from(films: TalkingFilms, recipe: TalkerRecipe) -> None:
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    network = recipe.model()
    with torch.no_grad():
        first = recipe.loss(network, batch, 0).total
        tensors = dict(batch.tensors)
        tensors["true"] = torch.where(tensors["valid"][..., None, None], tensors["true"], torch.tensor(9.0))
        tensors["weights"] = torch.where(tensors["valid"][..., None], tensors["weights"], torch.tensor(9.0))
        assert recipe.loss(network, replace(batch, tensors=tensors), 0).total == first
    assert not batch.tensors["valid"].all()


def test_training_reads_the_instants_that_are_read_in_use(films: TalkingFilms, recipe: TalkerRecipe) -> None:
    """The frames of a batch lie between the cells where ``Track.on`` puts them, also when speech is sped up."""
    clip = films.learnt[0]
    example = recipe._example(0, np.random.default_rng(0))
    from genlock.models.talker.inputs import hear

    heard = hear(clip.heard, recipe.listening)
    track = Track(np.asarray(heard.values), heard.grid)
    by_track = track.on(clip.cells, "sample", length=len(clip.points))
    by_batch = at_frames(
        torch.from_numpy(example.heard)[None],
        torch.from_numpy(example.left)[None],
        torch.from_numpy(example.share)[None],
    )[0].numpy()
    assert np.abs(by_batch - by_track.values)[by_track.valid].max() < 1e-4
    quick = recipe.training.changes
    fast = TalkerRecipe(films.learnt, films.held, replace(TRAINING, changes=replace(quick, speed=0.3)))
    sped = fast._example(0, np.random.default_rng(4))
    place = sped.left + sped.share
    step = np.diff(place).mean() / np.diff(example.left + example.share).mean()
    assert abs(step - 1) > 0.02
    # The same sound under the same frames: loudness at each frame stays.
    loud = [e.heard.mean(axis=1) for e in (example, sped)]
    there = [
        np.interp(e.left + e.share, np.arange(len(lo)), lo)
        for e, lo in zip((example, sped), loud, strict=True)
    ]
    assert np.corrcoef(there[0][2:-2], there[1][2:-2])[0, 1] > 0.95


def test_sound_is_put_where_the_index_says_it_belongs(dataset: Path) -> None:
    clip = ClipSet(dataset, ["mel-kaldi", "landmarks"], None)[0]
    plain = talking_clip(clip, {"mel:kaldi": "mel-kaldi"})
    # Sound that is early by 120 ms belongs 120 ms later; what is hardly believed changes nothing.
    early = replace(clip, row={**clip.row, "offset_seconds": 0.12, "offset_probability": 0.9})
    unsure = replace(clip, row={**clip.row, "offset_seconds": 0.12, "offset_probability": 0.2})
    starts = [talking_clip(c, {"mel:kaldi": "mel-kaldi"}).heard["mel:kaldi"].start for c in (early, unsure)]
    assert [start - plain.heard["mel:kaldi"].start for start in starts] == [Fraction(12, 100), 0]


def test_sound_is_changed_as_said() -> None:
    bands = planted_bands(200, 3)
    assert np.array_equal(changed_bands(bands, UNCHANGED, np.random.default_rng(0)), bands)
    only = replace(UNCHANGED, warp=(1.2, 1.2), warp_share=1.0)
    peak = np.zeros((1, 80), np.float32)
    peak[0, 40] = 5
    moved = changed_bands(peak, only, np.random.default_rng(0))
    low, high = (1127 * np.log1p(f / 700) for f in (20, 8000))
    hz = 700 * np.expm1(np.linspace(low, high, 82)[1:-1] / 1127)
    assert hz[int(moved.argmax())] / hz[40] == pytest.approx(1.2, abs=0.05)
    one, two = (changed_bands(bands, Changes(), np.random.default_rng(k)) for k in (1, 1))
    assert np.array_equal(one, two)


def test_a_dead_mouth_costs_by_its_energy_and_a_late_one_by_its_velocity() -> None:
    basis = FaceBasis.planted(3)
    asked, o = Asked.of(basis), LossWeights()
    weights = torch.from_numpy(
        np.random.default_rng(0).normal(size=(1, 40, 3)).cumsum(1).astype(np.float32) / 3
    )
    true = torch.einsum("btk,kpc->btpc", weights, asked.moves)
    valid, gaps = torch.ones(1, 40, dtype=torch.bool), torch.full((1, 40), 0.04)

    def parts(made: torch.Tensor) -> dict[str, float]:
        found = talker_loss(
            made, true, weights, valid, gaps, torch.zeros(1), torch.full((1,), 0.03), asked, o
        )[1]
        return {name: float(part) for name, part in found.items()}

    right, dead = parts(weights), parts(weights * 0.3)
    assert max(right.values()) < 1e-6
    assert dead["energy"] == pytest.approx(np.log(0.09) ** 2, rel=0.1)
    assert parts(weights.roll(1, 1))["velocity"] > 0.1 > right["velocity"]
    assert len(ASKED) == len(set(ASKED)) == asked.moves.shape[1]


def test_the_basis_holds_what_is_planted_and_shapes_do_what_their_names_say() -> None:
    neutral = planted_neutral().astype(np.float32)
    moved = planted_face(np.arange(400) / 25, 3, neutral.astype(np.float64)) - neutral
    basis = build_basis(moved, neutral, 6)
    errors = basis_errors(basis, planted_face(np.arange(100) / 30, 8, neutral.astype(np.float64)) - neutral)
    assert errors["mouth"] < 0.02 * errors["mouth_moves"]
    assert set(basis.shapes) == set(SHAPE_HANDLES)
    assert opening_of(basis.shapes["jawOpen"]) > 0.15
    for name in ("jawOpen", "mouthSmileLeft"):
        one = basis.shape_weights(neutral + basis.shapes[name][None], neutral)[0]
        assert basis.names[int(one.argmax())] == name
    assert basis.shapes["mouthSmileLeft"][291, 1] < -0.04 < basis.shapes["mouthSmileLeft"][61, 1]
    with pytest.raises(InputError, match="too few"):
        build_basis(moved[:10], neutral, 6)


def test_the_emphasis_brings_back_the_planted_energy(films: TalkingFilms, recipe: TalkerRecipe) -> None:
    raw = {}
    for clip in films.held:
        own = recipe.basis.weights(clip.points, recipe.rest[clip.name]) * clip.valid[:, None]
        raw[clip.name] = Track(own * 0.6, clip.cells, clip.valid)
    found = fit_emphasis(raw, films.held, recipe.rest, recipe.basis)
    assert found.gain * (1 + 0.5 * found.sharp) == pytest.approx(1 / 0.6, rel=0.15)
    assert isinstance(found, Emphasis)


def test_seeds_are_one_by_the_mean_of_each_clip() -> None:
    runs = [
        [Row(f"{who}{k}", who, 0.5 + 0.1 * seed, 1.0, 1.0, float("nan") if who == "b" else 0.8, 1.0, 1.0, None)
         for who in "ab" for k in range(3)]
        for seed in range(2)
    ]  # fmt: skip
    both = over_seeds([runs[0], runs[1][::-1]])
    assert [row.clip for row in both] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    figures = report(both).figures
    assert figures["mouth_lmd_below_mean"][0] == pytest.approx(0.45)
    assert figures["correlation"][0] == pytest.approx(0.8)  # what one speaker does not tell, the others do
    assert np.isnan([*figures["lag_ms"], *figures["closures"]]).all()
    assert report(both).to_dict()["closures"] == {"value": None, "low": None, "high": None}
    with pytest.raises(OptionError, match="same clips"):
        over_seeds([runs[0], runs[1][1:]])


def test_a_report_counts_every_speaker_the_same() -> None:
    rows = [Row(f"a{k}", "a", 0.5, 1.0, 1.0, 0.9, 1.0, 1.0, 0.0) for k in range(30)]
    rows += [Row("b0", "b", 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 0.04)]
    found = report(rows)
    assert found.figures["mouth_lmd_below_mean"][0] == pytest.approx(0.25)
    assert found.figures["lag_ms"][0] == pytest.approx(20)
    assert found.speakers == 2
    assert hidden([0.0], 0).shape == (1, 2)
