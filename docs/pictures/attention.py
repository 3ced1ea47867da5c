"""Draws attention.jpg: what the shipped writer attends to while it writes sound for four blows.

python docs/pictures/attention.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from genlock.foley.events import Event, Events
from genlock.foley.generation import Generator
from genlock.report.attention_plot import write_attention_plot

BLOWS = {"0.5": "wood", "1.1": "glass", "1.7": "metal", "2.9": "stone"}


def main() -> None:
    """Draw it."""
    generator = Generator()
    events = Events([Event(at, material=material) for at, material in BLOWS.items()], 0, 4)
    take = generator.take(events, seed=0)
    take.block(0, 4 * generator.rate)
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/attention.png"
        instants = [event.instant for event in events]
        write_attention_plot(picture, generator.attention(take), instants, "four blows, the shipped writer")
        drawn = cv2.resize(cv2.imread(picture), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    target = Path(__file__).with_name("attention.jpg")
    cv2.imwrite(str(target), drawn, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
