"""A film of the world of impacts that is given sound: its spectrogram over events and motion, as --plot draws it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
from _pages import sticks_film

from genlock.tasks.sound_video import SoundOptions, sound_video

target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".jpg"))
with tempfile.TemporaryDirectory() as folder:
    film = sticks_film(Path(folder))
    how = SoundOptions(model="modal", plot=f"{folder}/plot.png")
    print(sound_video(film, how, f"{folder}/out.mp4"))
    cv2.imwrite(str(target), cv2.imread(f"{folder}/plot.png"), [cv2.IMWRITE_JPEG_QUALITY, 88])
