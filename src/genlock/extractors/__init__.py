"""Features of sound, of the picture, of faces and of both, each with the exact cells of what its values look at.

A feature is made by name and gives a Track, here out of mono sound at its own rate::

    track = make_extractor("mel:kaldi")(waveform)
    track.on(frames)
"""

from genlock.extractors.base import FaceFeature, Feature, PictureFeature
from genlock.extractors.both.base import BothFeature
from genlock.extractors.registry import extractor_specs, make_extractor
from genlock.extractors.sound.base import AudioExtractor, AudioStream, FramedExtractor
from genlock.extractors.sound.energy import Energy, EnergyOptions
from genlock.extractors.sound.framing import Framing
from genlock.extractors.sound.mel import Mel, MelOptions
from genlock.extractors.sound.mfcc import Mfcc, MfccOptions
from genlock.extractors.sound.onset import Onset, OnsetOptions
from genlock.extractors.spec import FeatureSpec

__all__ = [
    "AudioExtractor",
    "AudioStream",
    "BothFeature",
    "Energy",
    "EnergyOptions",
    "FaceFeature",
    "Feature",
    "FeatureSpec",
    "FramedExtractor",
    "Framing",
    "Mel",
    "MelOptions",
    "Mfcc",
    "MfccOptions",
    "Onset",
    "OnsetOptions",
    "PictureFeature",
    "extractor_specs",
    "make_extractor",
]
