"""A film: four drawn faces and a warped picture, all moved by one voice (John F. Kennedy, 1961, public domain).

The picture is a frame of a talker of ours, so that no person lends a face. Without the recording (``$GENLOCK_DATA``,
else ``../shared/data``) nothing is made.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from genlock.animation.faces.base import FaceFrame, make_face
from genlock.animation.identity import load_footage
from genlock.animation.show import Show, ShowPlan
from genlock.animation.voice import SAMPLE_RATE, TalkerMover
from genlock.animation.warp import WarpedFace
from genlock.core.grid import Grid
from genlock.media import Picture, Sound, encode, read_audio
from genlock.models.talker.talker import TALKER_NAME, load_talker
from genlock.synth.talkers.face import Camera
from genlock.synth.talkers.looks import draw_look
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.render import FaceRenderer
from genlock.synth.talkers.speakers import draw_speaker

SIDE, RATE, SECONDS = 256, 25, 8
#: Faces and seeds, from the left.
DRAWN = (("toon", 0), ("ink", 1), ("robot", 2), ("bust", 0))
REPOSITORY = Path(__file__).resolve().parents[2]


class Row:
    """All of them side by side."""

    title = "all faces"
    size = (SIDE * (len(DRAWN) + 1), SIDE)

    def __init__(self, person: WarpedFace) -> None:
        self._faces = [*(make_face(name, SIDE, seed) for name, seed in DRAWN), person]

    def draw(self, frame: FaceFrame) -> np.ndarray:
        """One frame."""
        return np.hstack([face.draw(frame) for face in self._faces])


class Kept:
    """Stands where a film would be written, and keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def frame(self, pixels: np.ndarray) -> None:
        """Keep a frame."""
        self.frames.append(pixels)


def person() -> WarpedFace:
    """The face of a picture, which is warped: a talker that rests."""
    state = np.zeros((1, len(STATE)))
    look = draw_look(5, 0.2)
    tile = FaceRenderer(draw_speaker(8), look, Camera(SIDE, SIDE, 78.0, y=0.42), finer=3).draw(
        state[0], 0, 0.0
    )
    with tempfile.TemporaryDirectory() as folder:
        cv2.imwrite(f"{folder}/person.png", np.ascontiguousarray(tile[..., ::-1]))
        return WarpedFace(load_footage(f"{folder}/person.png"))


def main(target: Path) -> None:
    """Make the film."""
    data = Path(os.environ.get("GENLOCK_DATA") or REPOSITORY.parent / "shared" / "data")
    speech = data / "speech" / "jfk.flac"
    if not speech.exists():
        print(f"animate.mp4 is not made: there is no {speech}")
        return
    samples = np.asarray(read_audio(speech, SAMPLE_RATE).values, np.float32).reshape(-1)[
        : SECONDS * SAMPLE_RATE
    ]
    kept = Kept()
    plan = ShowPlan(TalkerMover(load_talker(), TALKER_NAME), Grid(RATE), Row(person()), seed=4)
    show = Show(plan, kept)  # type: ignore[arg-type]
    show.hear(samples)
    show.finish()
    target.mkdir(parents=True, exist_ok=True)
    picture = Picture(
        kept.frames, RATE, codec="libx264", options={"crf": "26", "preset": "slow", "threads": "1"}
    )
    encode(target / "animate.mp4", picture, Sound(samples, SAMPLE_RATE, 0, "aac", bit_rate=48000))
    # What stands in its place where no film can be shown.
    still = np.ascontiguousarray(kept.frames[len(kept.frames) // 3][..., ::-1])
    cv2.imwrite(str(target / "animate_film.jpg"), still, [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures"))
