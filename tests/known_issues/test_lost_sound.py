"""Sound that a file has lost is told by every feature of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import genlock
from genlock.core.errors import MediaError
from genlock.media import read_audio


def test_features_are_not_valid_where_packets_of_the_sound_are_lost(
    shared_data: Path, tmp_path: Path
) -> None:
    """A hole in the file was filled with silence, and every cell of ``mel:kaldi`` was valid."""
    source = shared_data / "talking" / "RD_Radio34_000.mp4"
    data = bytearray(source.read_bytes())
    data[len(data) * 4 // 10 : len(data) * 5 // 10] = bytes(len(data) * 5 // 10 - len(data) * 4 // 10)
    hole = tmp_path / "hole.mp4"
    hole.write_bytes(data)
    try:
        whole = read_audio(hole, 16000)
    except MediaError:
        pytest.skip("the table of this file lies in the hole")
    lost = ~whole.valid
    assert lost.any()
    mel = genlock.features(hole, "mel:kaldi")["mel:kaldi"]
    reach = float(mel.support) / 2
    instants = whole.centers[lost]
    touched = np.array([(np.abs(instants - center) < reach).any() for center in mel.centers])
    assert not mel.valid[touched].any()
    assert mel.valid[~touched].mean() > 0.99
