"""Labels of frames: what they ask for, and that what was only for training is not in the model."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("pyarrow")

from tests.train.planted_clips import spoken_clip

from genlock.core.errors import InputError, OptionError
from genlock.models.avhubert.recognizer import load_avsr
from genlock.train.avhubert.avsr import AvsrRecipe
from genlock.train.avhubert.frame_labels import NOT_ASKED, FrameLabels
from genlock.train.avhubert.options import AvsrTraining, Network
from genlock.train.loop import train
from genlock.train.options import LoopOptions

TINY = Network(
    layers=1, width=16, ffn=16, heads=2, position_kernel=4, position_groups=2, stem=2, trunk=(2, 2, 4, 4), crop=32,
    dropout=0.0,
)  # fmt: skip


def test_a_word_has_three_classes_and_a_rare_one_none() -> None:
    clips = [spoken_clip(f"c{k}", ["red", "blue"] if k else ["green", "red"]) for k in range(6)]
    labels = FrameLabels.of(clips, "words")
    assert labels.words == ("blue", "red")
    assert len(labels) == 7
    rare = labels.targets(clips[0].words, clips[0].centers)
    common = labels.targets(clips[1].words, clips[1].centers)
    assert set(rare.tolist()) == {0, NOT_ASKED, 4, 5, 6}
    assert [k for k, _ in _runs(common)] == [0, 4, 5, 6, 0, 1, 2, 3, 0]
    assert len(FrameLabels.of(clips, "phones")) == 42


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(int(values[a]), b - a) for a, b in pairwise(edges)]


def test_without_times_or_often_said_words_the_reason_is_told() -> None:
    untimed = [replace(spoken_clip(f"c{k}", ["red"]), words=()) for k in range(6)]
    with pytest.raises(InputError, match="times of its words"):
        FrameLabels.of(untimed, "words")
    with pytest.raises(InputError, match="--frame-labels phones"):
        FrameLabels.of([spoken_clip("c", ["red"])], "words")
    with pytest.raises(OptionError, match="frame_weight"):
        AvsrTraining(frame_weight=-1)


def test_what_only_training_needs_is_not_in_the_model(tmp_path: Path) -> None:
    clips = [spoken_clip(f"c{k}", ["red", "blue"]) for k in range(6)]
    training = AvsrTraining(
        network=TINY, batch=3, decoder_layers=0, align=0.0, frame_labels="words", noise=0.0
    )
    recipe = AvsrRecipe(clips, (), training)
    assert recipe.model().classes is not None
    loop = LoopOptions(steps=12, learning_rate=0.02, save_every=12, threads=1, decay="linear", log_every=1)
    result = train(recipe, loop, tmp_path)
    model = load_avsr(result.model)
    assert not [name for name in model.state_dict() if name.startswith("classes")]
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    fresh = recipe.loss(recipe.model(), batch, 0).figures
    assert {"hearing", "hearing_frames", "both_frames"} == set(fresh) - {
        "both"
    }  # the lips are the next step's turn
