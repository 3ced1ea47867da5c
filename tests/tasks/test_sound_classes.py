"""``genlock sound --class``: of a writer that has learnt classes each sounds as itself; others are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.writer import Writer, save_writer
from genlock.models.foley.writer_network import WriterShape, array_shapes
from genlock.tasks import SoundOptions, sound_video
from genlock.testing import example_video


@pytest.fixture
def writer(tmp_path: Path) -> str:
    """A small writer of two classes, whose codes are those of the shipped codec."""
    shape = WriterShape(
        codes=512, conditions=len(EVENT_CHANNELS), width=16, layers=1, heads=2, reach=8, classes=2
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


def test_what_has_no_such_class_says_so(writer: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no class 'cat'; it knows: dog, drum"):
        sound_video(example_video(), SoundOptions(model=writer, class_name="cat"), tmp_path / "out.wav")
    with pytest.raises(OptionError, match="'modal' has learnt no classes"):
        sound_video(example_video(), SoundOptions(model="modal", class_name="dog"), tmp_path / "out.wav")
    with pytest.raises(OptionError, match="leave out --library"):
        SoundOptions(library="there", class_name="dog")
    assert not (tmp_path / "out.wav").exists()
