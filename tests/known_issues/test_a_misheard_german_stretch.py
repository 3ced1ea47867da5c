"""Of a right German text "Der Zug nach" was lost: the recogniser had misheard it, and what it heard took the place.

The words that Whisper base writes over this sound stand here, with their probabilities.
"""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import sound_of

from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import recognize_and_align
from genlock.speech.heard import Heard
from genlock.speech.phones.espeak import espeak_program

TEXT = (
    "Guten Tag, meine Damen und Herren. {} München fährt heute um vierzehn Uhr dreißig von Gleis sieben ab."
)
HEARD = (
    "Guten 0 .3 .44|Tag, .3 .7 .99|meine 1.12 1.3 .72|Damen 1.3 1.62 .97|und 1.62 2 .98|Herren, 2 2.5 .97|"
    "mit 3.04 3.14 .35|so 3.14 3.4 .21|knappen 3.4 3.98 .28|Wünschen 3.98 4.28 .81|fährt 4.28 4.72 .6|"
    "heute 4.72 5.14 .92|um 5.14 5.38 .55|14 5.38 5.86 .74|Uhr, 5.86 6.24 .72|weiß 6.42 6.62 .06|ich 6.62 6.76 .78|"
    "von 6.76 7.08 .9|gleichs 7.08 7.56 .29|Leben 7.56 7.8 .82|ab. 7.8 8.1 .96"
)

pytestmark = pytest.mark.skipif(espeak_program() is None, reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> TrackSound:
    path: Path = tmp_path_factory.mktemp("german") / "said.wav"
    command = ["espeak-ng", "-v", "de+f2", "-s", "140", "-w", path, TEXT.format("Der Zug nach")]
    subprocess.run(command, check=True)
    spoken = TrackSound(read_audio(path, rate=16000))
    samples = spoken.samples(0, spoken.count)
    noise = np.random.default_rng(5).uniform(-0.002, 0.002, len(samples))
    return sound_of((samples + noise).astype(np.float32))


def missing(sound: TrackSound, stretch: str) -> list[str]:
    rows = [row.split() for row in HEARD.split("|")]
    heard = [Heard(word, Fraction(start), Fraction(end), float(sure)) for word, start, end, sure in rows]
    words = recognize_and_align(
        sound,
        transcript=TEXT.format(stretch),
        language="de",
        heard=heard,
        least_matched=0.5,
        aligner="phones",
    )
    assert words.check is not None
    placed = [word.text for word in words if word.start is not None]
    assert [stretch] == [s.text for s in words.check.missing] or set(stretch.split()) <= set(placed)
    return [stretch.text for stretch in words.check.missing]


def test_what_was_misheard_is_looked_for_where_the_recogniser_doubts(sound: TrackSound) -> None:
    assert missing(sound, "Der Zug nach") == []


@pytest.mark.parametrize("stretch", ["Das Flugzeug aus", "Ohne jeden Zweifel ist"])
def test_what_nobody_says_is_still_missing(sound: TrackSound, stretch: str) -> None:
    assert missing(sound, stretch) == [stretch]
