"""Twelve talkers, each at one of its phones, which stands beside it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from genlock.drawing.canvas import paste_text
from genlock.synth.talkers.films import render_talker
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.synth.talkers.render import FaceRenderer

SIDE, COLUMNS, GAP = 300, 4, 6
#: What each is to be saying, where its sentence has it.
PHONES = ("AA", "UW", "S", "B", "AE", "F", "OW", "IY", "M", "AY", "W", "L")

options = TalkerOptions(count=12, seed=21, rates=("50",), sizes=(f"{SIDE}x{SIDE}",), rooms=0, difficulty=0.55)
tiles = []
for number, plan in enumerate(plan_talkers(options)):
    plan = replace(plan, hand=(0.2, 0.8) if number == 9 else None)
    look = replace(
        plan.look, occluder="microphone" if number == 6 else "none", noise=min(plan.look.noise, 2.0)
    )
    truth, _, _ = render_talker(plan)
    words = [phone for phone in truth.phones if phone.label not in ("sil", "N", "T", "K")]
    spoken = next((phone for wanted in PHONES[number:] for phone in words if phone.label == wanted), words[0])
    middle = spoken.start + spoken.duration / 2
    state = truth.motion().at([float(middle + truth.offset_seconds)])[0]
    # Eyes open, so that twelve people can be told apart.
    state[9:11] = 0
    tile = FaceRenderer(plan.speaker, look, plan.camera, finer=3).draw(
        state, number, 1.0 if plan.hand else 0.0
    )
    paste_text(tile, spoken.label, (12, SIDE - 18), 13, (255, 255, 255))
    tiles.append(np.pad(tile, ((0, GAP), (0, GAP), (0, 0)), constant_values=255))
rows = [np.hstack(tiles[k : k + COLUMNS]) for k in range(0, len(tiles), COLUMNS)]
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures")
folder.mkdir(parents=True, exist_ok=True)
sheet = np.vstack(rows)[:-GAP, :-GAP, ::-1]
cv2.imwrite(str(folder / "talkers.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
