"""A talker, a voice as a file, and pictures of faces, for tests of animate."""

from __future__ import annotations

import numpy as np
import pytest
from tests.animation import standin

from genlock.media import Sound, encode
from genlock.models.talker.talker import save_talker


@pytest.fixture(scope="session")
def talker_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A talker in its least form, as a file."""
    path = tmp_path_factory.mktemp("talker") / "standin.npz"
    save_talker(standin.stand_in(), path)
    return str(path)


@pytest.fixture(scope="session")
def voice_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The first line, some four seconds."""
    path = tmp_path_factory.mktemp("voice") / "line.wav"
    one = standin.clip(0)
    encode(path, sound=Sound(np.asarray(one.sound()), one.spoken.rate, codec="pcm_s16le"))
    return str(path)
