"""``genlock words --diarize``: two people of a real corpus side by side who take turns, by their mouths."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from genlock.media import Sound, encode

from .conftest import Run


@pytest.fixture(scope="module")
def films(repository: Path) -> ModuleType:
    """What makes films of turns, for benchmarks too."""
    path = repository / "benchmarks" / "_turn_films.py"
    spec = importlib.util.spec_from_file_location("genlock_turn_films", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_each_word_has_the_face_that_says_it(
    genlock: Callable[..., Run], films: ModuleType, shared_data: Path, tmp_path: Path
) -> None:
    left, right = (sorted((shared_data / "grid_more" / s / "video").glob("*.mpg"))[:3] for s in ("s2", "s4"))
    truth = films.turn_film(tmp_path / "turns.mp4", left, right, [0, 1, 1, 0], listening=films.chewing)
    (tmp_path / "said.txt").write_text(" ".join(word.text for word in truth))
    run = genlock(
        "words", tmp_path / "turns.mp4", "--transcript", tmp_path / "said.txt", "--diarize", "--json"
    )
    assert run.status == 0, run.err
    said = [word["speaker"] for word in run.json["words"]]
    first, second = said[0], said[6]
    assert {first, second} == {"face0", "face1"}
    expected = [first if word.speaker == truth[0].speaker else second for word in truth]
    assert sum(a == b for a, b in zip(said, expected, strict=True)) >= 23  # of 24


def test_a_sound_without_a_picture_is_refused(genlock: Callable[..., Run], tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", sound=Sound(np.zeros(16000), 16000))
    run = genlock("words", tmp_path / "a.wav", "--diarize", "-o", tmp_path / "a.json")
    assert run.status == 2
    assert "no picture" in run.err
    assert "--diarize" in run.err
    assert not (tmp_path / "a.json").exists()


def test_a_picture_without_faces_says_so(
    genlock: Callable[..., Run], tone_clip: Path, tmp_path: Path
) -> None:
    for command, options in (("words", ["--diarize"]), ("align", ["--diarize", "--no-sync"])):
        run = genlock(command, tone_clip, *options, "-o", tmp_path / command, "--json")
        assert run.status == 0, run.err
        assert any("no face is seen" in note for note in run.json["notes"])
