"""Four drawn faces at eight instants of a sentence, moved by the planted motion of a talker, over its waveform."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import soxr

from genlock.animation.faces.base import FaceFrame, make_face
from genlock.animation.life import life_at
from genlock.animation.motion import FaceMotion
from genlock.animation.stills import StillSheet
from genlock.animation.visemes import mouth_letter
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.synth.talkers.face import points_of
from genlock.synth.talkers.motion import Motion
from genlock.synth.talkers.speakers import draw_speaker, resting_face
from genlock.synth.talkers.speaking import speak

SPEAKER = draw_speaker(3)
spoken = speak("Bob may be more than happy to pick a map of my home.", "own")
samples = np.asarray(spoken.sound.values, np.float32)
sound = soxr.resample(samples, spoken.rate, 16000).astype(np.float32)
cells, neutral = Grid(25), np.asarray(resting_face(SPEAKER), np.float32)
count = len(sound) * 25 // 16000
planted = Motion(spoken.phones, SPEAKER, closures=spoken.lips_shut, seed=1)
points = np.asarray(points_of(planted.at(cells.centers(count)), SPEAKER), np.float32)
motion = FaceMotion(Track(points, cells), neutral)
times, life = motion.points.centers, life_at(motion.points.centers, 4)
rest = float(np.hypot(*(neutral[291, :2] - neutral[61, :2])))
pages = []
for number, name in enumerate(("toon", "ink", "robot", "bust")):
    face, sheet = make_face(name, 256, number), StillSheet(8)
    sheet.sound(sound)
    for k in range(count):
        letter = mouth_letter(float(motion.aperture.values[k]), float(motion.width.values[k]) / rest)
        sheet.frame(
            float(times[k]), letter, face.draw(FaceFrame.of(points[k], neutral, float(times[k]), life, k))
        )
    page = sheet.image()
    # One waveform is enough for all.
    pages.append(page if number == 3 else page[:228])
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures")
folder.mkdir(parents=True, exist_ok=True)
whole = np.ascontiguousarray(np.vstack(pages)[..., ::-1])
cv2.imwrite(str(folder / "animate.jpg"), whole, [cv2.IMWRITE_JPEG_QUALITY, 86])
