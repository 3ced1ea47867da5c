"""What MediaPipe's own package sees: runs in the environment of tools/mediapipe_env.sh, not in Genlock's.

python landmarks_oracle.py FRAMES.npz POINTS.npz

FRAMES.npz holds uint8 [N, H, W, 3] arrays, the frames of one clip each. POINTS.npz gets, for each of them, float32
[N, 468, 3] in pixels as its tracker gives them (x, y, and z in the scale of x), NaN where it sees no face, and under
NAME.static what it gives if every frame is looked at on its own.
"""

from __future__ import annotations

import sys

import mediapipe
import numpy as np


def points_of(frames: np.ndarray, static: bool) -> np.ndarray:
    """Landmarks of the largest face, float32 [N, 468, 3]."""
    height, width = frames.shape[1:3]
    found = np.full((len(frames), 468, 3), np.nan, np.float32)
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=static, refine_landmarks=False) as mesh:
        for k, frame in enumerate(frames):
            faces = mesh.process(np.ascontiguousarray(frame)).multi_face_landmarks
            if faces:
                points = np.array([(p.x, p.y, p.z) for p in faces[0].landmark])
                found[k] = points * (width, height, width)
    return found


def main() -> None:
    source, target = sys.argv[1:]
    with np.load(source) as clips:
        answers = {}
        for name in clips.files:
            answers[name] = points_of(clips[name], static=False)
            answers[f"{name}.static"] = points_of(clips[name], static=True)
    np.savez(target, **answers)


if __name__ == "__main__":
    main()
