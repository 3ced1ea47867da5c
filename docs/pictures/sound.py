"""A film of the world of impacts that is given sound: its spectrogram over events and motion, as --plot draws it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2

from genlock.synth.impacts.films import make_impact
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.sets import plan_impacts
from genlock.tasks.sound_video import SoundOptions, sound_video

target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".jpg"))
with tempfile.TemporaryDirectory() as folder:
    options = ImpactOptions(
        count=1,
        seed=8,
        seconds=6,
        sizes=("320x240",),
        rates=("25",),
        scenes=("sticks",),
        difficulty=0.2,
        distractors=0,
    )
    make_impact(folder, next(plan_impacts(options)))
    film = next(Path(folder).glob("*.mp4"))
    how = SoundOptions(model="modal", plot=f"{folder}/plot.png")
    print(sound_video(film, how, f"{folder}/out.mp4"))
    cv2.imwrite(str(target), cv2.imread(f"{folder}/plot.png"), [cv2.IMWRITE_JPEG_QUALITY, 88])
