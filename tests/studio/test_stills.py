"""Frames that the server decodes are those that were asked for: their numbers are in them, as blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.report.clips import VARIABLE_PTS, planted, read_barcode

from genlock.media import frame_cells
from genlock.studio.folder import NotThere, StudioFolder
from genlock.studio.stills import Stills

CLIPS: dict[str, dict[str, Any]] = {
    "long.mp4": {"count": 300},  # seeks are tried from four seconds on
    "ntsc.mp4": {"rate": "30000/1001", "start": "0.5", "sound_start": "0.3", "count": 300},
    "film.mkv": {"rate": "24000/1001", "start": "0.25", "count": 200},
    "fifty.mp4": {"rate": "50", "count": 300},
    "variable.mp4": {"pts": VARIABLE_PTS, "sound_start": "0.01"},
    "old.avi": {"rate": "15", "codec": "mpeg4", "sound_codec": "pcm_s16le", "count": 90},
}


@pytest.mark.parametrize("name", list(CLIPS))
def test_every_still_is_the_frame_that_was_asked_for(name: str, tmp_path: Path) -> None:
    clip = planted(tmp_path / name, **CLIPS[name])
    (file,) = StudioFolder(tmp_path).files()[0]
    cells, count = frame_cells(file.path)
    assert count == clip.count
    stills = Stills()
    rng = np.random.default_rng(3)
    for number in (0, count - 1, *rng.integers(0, count, 12).tolist()):
        data = stills.jpeg(file, cells, count, number, 320)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert read_barcode(image.astype(float)) == number
    for number in (-1, count):
        with pytest.raises(NotThere, match=f"frame {number} is none of"):
            stills.jpeg(file, cells, count, number, 320)
