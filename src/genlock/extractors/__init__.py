"""Features of sound, each with the exact grid of what its frames look at.

An extractor takes mono sound at its own rate and gives a Track::

    track = make_extractor("mel:kaldi")(waveform)
    track.on(frames)
"""

from genlock.extractors.registry import extractor_specs, make_extractor
from genlock.extractors.sound.base import AudioExtractor, AudioStream, FramedExtractor
from genlock.extractors.sound.energy import Energy, EnergyOptions
from genlock.extractors.sound.framing import Framing
from genlock.extractors.sound.mel import Mel, MelOptions
from genlock.extractors.sound.mfcc import Mfcc, MfccOptions
from genlock.extractors.sound.onset import Onset, OnsetOptions

__all__ = [
    "AudioExtractor",
    "AudioStream",
    "Energy",
    "EnergyOptions",
    "FramedExtractor",
    "Framing",
    "Mel",
    "MelOptions",
    "Mfcc",
    "MfccOptions",
    "Onset",
    "OnsetOptions",
    "extractor_specs",
    "make_extractor",
]
