"""``genlock sound`` with a writer of one's own: classes, how codes are drawn, what it goes on with and attends to."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.cli import main
from genlock.core.errors import OptionError
from genlock.extractors import make_extractor
from genlock.media import Sound, encode, read_audio
from genlock.models.foley.codec import load_codec
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.sampling import Sampling
from genlock.models.foley.vocoder import load_vocoder
from genlock.models.foley.writer import Writer, save_writer
from genlock.models.foley.writer_network import WriterShape, array_shapes
from genlock.tasks.sound_video import SoundOptions, sound_video
from genlock.testing import example_video


@pytest.fixture
def writer(tmp_path: Path) -> str:
    """A small writer of two classes, whose codes are those of the shipped codec."""
    shape = WriterShape(
        codes=512, tokens=4, conditions=len(EVENT_CHANNELS), width=16, layers=1, heads=2, reach=8, classes=2
    )
    random = np.random.default_rng(0)
    arrays = {
        name: (random.normal(size=size) * 2 / np.sqrt(size[-1])).astype(np.float32)
        for name, size in array_shapes(shape).items()
    }
    made = Writer(shape, arrays, EVENT_CHANNELS, {}, {}, ("dog", "drum"), "foley-codec")
    save_writer(made, tmp_path / "mine.npz")
    return f"writer:{tmp_path / 'mine.npz'}"


def test_each_class_sounds_as_itself(writer: str, tmp_path: Path) -> None:
    (tmp_path / "hits.csv").write_text("time,impulse\n1/2,1\n")
    found = {}
    for name in ("dog", "drum", "drum"):
        options = SoundOptions(model=writer, class_name=name, events_from=str(tmp_path / "hits.csv"))
        sound_video(example_video(), options, tmp_path / "out.wav")
        fresh = (tmp_path / "out.wav").read_bytes()
        assert found.get(name, fresh) == fresh
        found[name] = fresh
    assert found["dog"] != found["drum"]


def test_how_codes_are_drawn_is_said_and_what_was_attended_to_is_drawn(writer: str, tmp_path: Path) -> None:
    (tmp_path / "hits.csv").write_text("time,impulse\n1/2,1\n3/2,1\n")
    hits = ["--model", writer, "--events-from", str(tmp_path / "hits.csv")]

    def sounded(*said: str) -> bytes:
        assert main(["sound", str(example_video()), "-o", str(tmp_path / "out.wav"), *hits, *said]) == 0
        return (tmp_path / "out.wav").read_bytes()

    likeliest = sounded("--temperature", "0", "--attention", str(tmp_path / "a.png"))
    assert sounded("--temperature", "0", "--seed", "3") == likeliest  # nothing is drawn at random
    assert sounded("--temperature", "1", "--top-k", "9") != likeliest
    assert sounded("--temperature", "0", "--guidance", "3") != likeliest
    height, width, _ = cv2.imread(str(tmp_path / "a.png")).shape
    assert width > 4 * height


def test_a_given_sound_stands_at_the_beginning(writer: str, tmp_path: Path) -> None:
    (tmp_path / "hits.csv").write_text("time,impulse\n3/2,1\n")
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)
    encode(tmp_path / "tone.wav", sound=Sound(tone, 24000))
    named = SoundOptions(
        model=writer, events_from=str(tmp_path / "hits.csv"), prime=str(tmp_path / "tone.wav")
    )
    sound_video(example_video(), named, tmp_path / "out.wav")
    heard = read_audio(tmp_path / "out.wav", rate=24000, channels=1).values.reshape(-1)
    # It is heard as the codec keeps it.
    codec, mel = load_codec(), make_extractor("mel:foley")(np.asarray(tone, np.float32))
    kept = load_vocoder().sound(codec.decode(codec.encode(mel.values)))
    assert np.abs(kept).max() > 0.1
    np.testing.assert_allclose(heard[:21600], kept[:21600], atol=1e-3)
    assert len(heard) == 48000


def test_what_has_no_such_class_says_so(writer: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no class 'cat'; it knows: dog, drum"):
        sound_video(example_video(), SoundOptions(model=writer, class_name="cat"), tmp_path / "out.wav")
    with pytest.raises(OptionError, match="'modal' has learnt no classes"):
        sound_video(example_video(), SoundOptions(model="modal", class_name="dog"), tmp_path / "out.wav")
    with pytest.raises(OptionError, match="leave out --library"):
        SoundOptions(library="there", class_name="dog")
    drawn = SoundOptions(model="modal", sampling=Sampling(temperature=0.5))
    with pytest.raises(OptionError, match="draws no codes"):
        sound_video(example_video(), drawn, tmp_path / "out.wav")
    looked = SoundOptions(model="modal", attention=str(tmp_path / "a.png"))
    with pytest.raises(OptionError, match="attends to nothing"):
        sound_video(example_video(), looked, tmp_path / "out.wav")
    with pytest.raises(OptionError, match="leave out --library"):
        SoundOptions(library="there", prime="a.wav")
    assert not (tmp_path / "out.wav").exists()
