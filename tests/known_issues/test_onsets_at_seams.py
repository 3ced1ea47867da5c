"""A long sound was listened to in pieces, each of which began out of silence: what rang on set in again, every 30 s."""

from fractions import Fraction

import numpy as np

from genlock.foley.onsets import OnsetListener
from genlock.media import AudioBlock

RATE = 16000


def heard(sound: np.ndarray) -> list[float]:
    listener = OnsetListener()
    for first in range(0, len(sound), 8192):
        block = sound[first : first + 8192, None].astype(np.float32)
        listener.push(AudioBlock(block, RATE, Fraction(first, RATE), "media"))
    listener.finish()
    return [float(at) for at in listener.instants]


def test_a_tone_that_rings_on_sets_in_once() -> None:
    tone = 0.3 * np.sin(np.arange(95 * RATE) * 0.9)
    assert np.round(heard(tone), 2).tolist() == [0.0]


def test_clicks_at_seams_are_heard_once_each() -> None:
    at = np.round(np.arange(1.0, 93.0, 0.13), 3)
    sound = np.zeros(95 * RATE)
    for seconds in at.tolist():
        first = round(seconds * RATE)
        sound[first : first + 400] += 0.5 * np.exp(-np.arange(400) / 60) * np.cos(np.arange(400) * 0.8)
    found = heard(sound)
    assert len(found) == len(at)
    assert np.abs(np.array(found) - at).max() < 0.002
