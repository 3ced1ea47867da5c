"""The feature ``avhubert``: any layer of any model, of sound and lips or of one of them, on 25 frames a second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors import make_extractor
from genlock.extractors.both.avhubert import AVHuBERTFeature
from genlock.extractors.both.on_frames import av_frames, heard_on_frames, mouth_pictures
from genlock.models.avhubert.recognizer import AVRecognizer, Parts, save_avsr
from genlock.models.avhubert.shape import AVHuBERTShape

SHAPE = AVHuBERTShape(
    layers=2, width=32, ffn=48, heads=2, final=8, clusters=5, position_kernel=8, position_groups=2, stem=4,
    trunk=(4, 4, 4, 8), crop=32,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    place = tmp_path_factory.mktemp("model")
    save_avsr(AVRecognizer(Parts(SHAPE), facts={"mouth": "mouth/36"}), place)
    return place


@pytest.fixture(scope="module")
def tracks() -> dict[str, Track]:
    chance = np.random.default_rng(3)
    crops = chance.integers(0, 256, (90, 36, 36)).astype(np.uint8)
    valid = np.ones(90, bool)
    valid[40:50] = False
    return {
        "sound@16000": Track(0.1 * chance.standard_normal(40000).astype(np.float32), Grid(16000)),
        "mouth/36": Track(crops, Grid(30, "0.1"), valid),
    }


def test_both_streams_of_a_film_of_another_rate(folder: Path, tracks: dict[str, Track]) -> None:
    feature = make_extractor(f"avhubert:{folder}#1")
    assert isinstance(feature, AVHuBERTFeature)
    assert feature.parts == ("sound@16000", "mouth/36")
    assert feature.needs == {"sound", "faces"}
    track = feature.join(tracks)
    assert track.grid == Grid(25, Fraction(1, 10))
    assert track.values.shape == (75, 32)
    assert f"model {folder.name} (sha256" in track.context
    assert "layer 1, sound and lips" in track.context
    # The sound ends at 2.5 s; frames 40...49 of 30 a second were not seen.
    assert not track.valid[60:].any()
    assert track.valid.sum() == 60 - (~av_frames(*tracks.values()).picture.valid[:60]).sum()
    frames = av_frames(*tracks.values())
    seen = frames.picture.valid
    pictures = mouth_pictures(frames.picture.values, 32, seen)
    heard = np.where(frames.sound.valid[:, None], frames.sound.values, 0)
    model = feature.model.encoder
    with torch.no_grad():
        sound, picture = torch.from_numpy(heard.T[None].copy()), torch.from_numpy(pictures[None, None])
        rows, shown = model.fronts(sound, picture)
        there = torch.from_numpy(frames.sound.valid)[None, :, None]
        known = model.encode(rows * there, shown * torch.from_numpy(seen)[None, :, None], layers=True).layers[
            1
        ][0]
    assert np.abs(track.values - known.numpy()).max() < 1e-5


def test_sound_alone_needs_no_face(folder: Path, tracks: dict[str, Track]) -> None:
    feature = make_extractor(f"avhubert:{folder}#-sound")
    assert isinstance(feature, AVHuBERTFeature)
    assert feature.needs == {"sound"}
    track = feature.joined({"sound@16000": tracks["sound@16000"]})[feature.name]
    assert track.grid == Grid(25)
    assert len(track) == 62
    sound = torch.from_numpy(heard_on_frames(tracks["sound@16000"], Grid(25), 62).values.T[None].copy())
    with torch.no_grad():
        known = feature.model.encoder(sound).last[0]
    assert np.abs(track.values - known.numpy()).max() < 1e-5


def test_lips_alone_do_not_depend_on_the_sound(folder: Path, tracks: dict[str, Track]) -> None:
    feature = make_extractor(f"avhubert:{folder}#2-lips@50")
    assert isinstance(feature, AVHuBERTFeature)
    assert feature.needs == {"faces"}
    track = feature.join({"mouth/36": tracks["mouth/36"]})
    assert track.grid.rate == 50  # type: ignore[union-attr]


def test_windows_that_see_enough_around_them_come_near_to_the_whole(
    folder: Path, tracks: dict[str, Track]
) -> None:
    whole = make_extractor(f"avhubert:{folder}#-sound").joined(tracks)  # type: ignore[attr-defined]
    cut = make_extractor(f"avhubert:{folder}#-sound+1s").joined(tracks)  # type: ignore[attr-defined]
    (one,), (other,) = whole.values(), cut.values()
    assert one.values.shape == other.values.shape
    assert np.corrcoef(one.values.ravel(), other.values.ravel())[0, 1] > 0.95
    assert "windows of 1 s" in other.context


def test_what_cannot_be_meant(folder: Path) -> None:
    for spec, said in (
        (f"avhubert:{folder}#7", "layers 0...2"),
        (f"avhubert:{folder}#lips+x", "after # goes"),
        (f"avhubert:{folder}/96", "no /"),
        (f"avhubert:{folder}#+0s", "too short"),
    ):
        with pytest.raises(OptionError, match=said):
            make_extractor(spec)
    for spec in ("avhubert", "avhubert:no/such"):
        with pytest.raises(MissingModel):
            make_extractor(spec)
