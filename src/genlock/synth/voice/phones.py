"""What each ARPAbet phone is: formants, levels, noise, duration and the mouth that makes it.

The numbers are facts out of the literature, in our own arrangement: vowel and consonant formants and
bandwidths after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", J. Acoust. Soc. Am. 67
(1980), tables II and III, with the male averages of G. E. Peterson and H. L. Barney, "Control methods used
in a study of the vowels", J. Acoust. Soc. Am. 24 (1952); inherent and shortest durations after J. Allen, M.
S. Hunnicutt and D. Klatt, "From Text to Speech: The MITalk System" (1987), table 9-1. Noise bands, levels
and mouth shapes are ours, tuned by recognisers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from genlock.core.errors import OptionError

__all__ = ["ALLOPHONES", "PHONES", "SILENCE", "Noise", "Phone", "parse_phone"]

Kind: TypeAlias = Literal[
    "vowel", "glide", "liquid", "nasal", "fricative", "stop", "affricate", "aspirate", "silence"
]

Triple: TypeAlias = tuple[float, float, float]

#: The label of a pause.
SILENCE = "SIL"


@dataclass(frozen=True)
class Noise:
    """A noise made at a narrowing of the mouth: bands of it, and how loud it is in all."""

    level: float
    """RMS in dB against a stressed vowel's."""
    bands: tuple[Triple, ...]
    """``(centre Hz, bandwidth Hz, amplitude)`` of each resonance that shapes it."""


@dataclass(frozen=True)
class Phone:
    """One phone of the synthesiser."""

    kind: Kind
    """How it is made."""
    formants: tuple[Triple, ...]
    """(F1, F2, F3) in Hz; a second triple is where the phone glides to."""
    bandwidths: Triple
    """Bandwidths of F1, F2, F3 in Hz."""
    inherent_ms: float
    """Duration in a stressed syllable at the end of a phrase."""
    shortest_ms: float
    """Duration that it never falls below at normal speed."""
    voicing: float | None = None
    """Level of the voice in dB against a stressed vowel's; None: voiceless."""
    noise: Noise | None = None
    """Noise of the mouth, if any; of a stop, its burst."""
    release_ms: float = 0.0
    """Of a stop or affricate: how long before its end the closure opens, when aspirated."""
    yielding: float = 0.0
    """Share 0...1 by which F2 of a consonant follows the vowel beside it: the slope of its locus equation."""
    aperture: float = 0.2
    """How far the mouth stands open, 0 (lips shut) ... 1."""
    width: float = 0.5
    """How wide the mouth is, 0 (rounded) ... 1 (spread)."""

    @property
    def lips_shut(self) -> bool:
        """True of /p b m/, made with closed lips."""
        return self.kind in ("stop", "nasal") and self.aperture == 0.0


def _vowel(
    start: Triple,
    bandwidths: Triple,
    inherent: float,
    shortest: float,
    aperture: float,
    width: float,
    glide: Triple | None = None,
) -> Phone:
    formants = (start,) if glide is None else (start, glide)
    return Phone("vowel", formants, bandwidths, inherent, shortest, 0.0, aperture=aperture, width=width)


_S = ((5200, 900, 1), (6900, 1200, 0.9), (4100, 700, 0.25))
_SH = ((2650, 400, 1), (3700, 600, 0.8), (5200, 900, 0.45))
_F = ((1500, 2500, 0.5), (4500, 5000, 0.6), (7500, 4000, 0.8))
_TH = ((1700, 1800, 0.25), (5500, 3500, 0.6), (7400, 2200, 0.9))
_LIPS = ((700, 900, 1), (1500, 1500, 0.5), (3500, 3000, 0.25))
_TEETH = ((3900, 900, 0.8), (5200, 1200, 1), (2700, 600, 0.25))
_PALATE = ((1900, 350, 1), (2900, 700, 0.35), (4300, 1000, 0.2))

#: Every phone by its ARPAbet name, without stress.
PHONES: dict[str, Phone] = {
    SILENCE: Phone("silence", ((500, 1500, 2500),), (80, 100, 150), 200, 20, aperture=0, width=0.5),
    # vowels
    "IY": _vowel((310, 2120, 2960), (45, 160, 300), 155, 55, 0.36, 0.95, (285, 2220, 3000)),
    "IH": _vowel((420, 1880, 2560), (50, 100, 140), 135, 40, 0.42, 0.75, (460, 1740, 2580)),
    "EH": _vowel((530, 1760, 2500), (60, 90, 200), 150, 70, 0.66, 0.75, (570, 1660, 2510)),
    "AE": _vowel((640, 1690, 2430), (70, 150, 320), 230, 80, 0.88, 0.85, (660, 1560, 2450)),
    "AA": _vowel((720, 1170, 2550), (110, 70, 160), 240, 100, 1, 0.55),
    "AO": _vowel((570, 850, 2450), (90, 100, 80), 240, 100, 0.8, 0.25, (580, 900, 2470)),
    "AH": _vowel((630, 1210, 2500), (80, 60, 140), 140, 60, 0.62, 0.5),
    "UH": _vowel((450, 1080, 2300), (80, 100, 80), 160, 60, 0.42, 0.2, (470, 1150, 2330)),
    "UW": _vowel((340, 1150, 2230), (65, 110, 140), 210, 70, 0.28, 0.02, (310, 920, 2200)),
    "ER": _vowel((480, 1290, 1620), (90, 60, 110), 180, 80, 0.45, 0.3, (440, 1320, 1600)),
    "EY": _vowel((480, 1780, 2520), (70, 100, 200), 190, 90, 0.58, 0.85, (330, 2120, 2650)),
    "AY": _vowel((730, 1150, 2500), (100, 90, 160), 230, 105, 0.95, 0.6, (430, 1850, 2550)),
    "OY": _vowel((540, 900, 2400), (80, 90, 130), 280, 150, 0.72, 0.25, (360, 1860, 2450)),
    "OW": _vowel((540, 1060, 2350), (80, 80, 100), 220, 80, 0.6, 0.18, (400, 840, 2300)),
    "AW": _vowel((750, 1300, 2500), (90, 80, 150), 260, 110, 0.92, 0.55, (480, 950, 2380)),
    # glides and liquids
    "W": Phone("glide", ((290, 640, 2180),), (50, 80, 90), 80, 60, -5, yielding=0.1, aperture=0.14, width=0),
    "Y": Phone(
        "glide", ((270, 2150, 3020),), (40, 200, 400), 80, 40, -5, yielding=0.1, aperture=0.25, width=0.85
    ),
    "R": Phone(
        "liquid", ((320, 1070, 1420),), (70, 100, 120), 80, 50, -4, yielding=0.15, aperture=0.28, width=0.2
    ),
    "L": Phone(
        "liquid", ((340, 1050, 2800),), (50, 100, 250), 80, 50, -5, yielding=0.2, aperture=0.35, width=0.5
    ),
    # nasals
    "M": Phone(
        "nasal", ((460, 1150, 2130),), (60, 200, 200), 75, 60, -5, yielding=0.5, aperture=0, width=0.5
    ),
    "N": Phone(
        "nasal", ((460, 1550, 2500),), (60, 250, 250), 65, 50, -5, yielding=0.3, aperture=0.22, width=0.6
    ),
    "NG": Phone(
        "nasal", ((460, 1900, 2650),), (60, 250, 250), 95, 60, -6, yielding=0.45, aperture=0.28, width=0.55
    ),
    # fricatives
    "F": Phone(
        "fricative",
        ((340, 1100, 2080),),
        (200, 120, 150),
        100,
        80,
        None,
        Noise(-24, _F),
        yielding=0.5,
        aperture=0.08,
        width=0.6,
    ),
    "V": Phone(
        "fricative",
        ((240, 1100, 2080),),
        (70, 120, 150),
        75,
        60,
        -7,
        Noise(-29, _F),
        yielding=0.5,
        aperture=0.08,
        width=0.6,
    ),
    "TH": Phone(
        "fricative",
        ((320, 1350, 2540),),
        (200, 90, 200),
        95,
        70,
        None,
        Noise(-23, _TH),
        yielding=0.35,
        aperture=0.2,
        width=0.6,
    ),
    "DH": Phone(
        "fricative",
        ((270, 1350, 2540),),
        (60, 90, 170),
        55,
        38,
        -8,
        Noise(-32, _TH),
        yielding=0.35,
        aperture=0.2,
        width=0.6,
    ),
    "S": Phone(
        "fricative",
        ((320, 1500, 2530),),
        (200, 80, 200),
        110,
        70,
        None,
        Noise(-10, _S),
        yielding=0.3,
        aperture=0.14,
        width=0.8,
    ),
    "Z": Phone(
        "fricative",
        ((260, 1500, 2530),),
        (70, 80, 180),
        80,
        50,
        -11,
        Noise(-16, _S),
        yielding=0.3,
        aperture=0.14,
        width=0.8,
    ),
    "SH": Phone(
        "fricative",
        ((300, 1800, 2650),),
        (200, 100, 300),
        110,
        80,
        None,
        Noise(-9, _SH),
        yielding=0.25,
        aperture=0.24,
        width=0.1,
    ),
    "ZH": Phone(
        "fricative",
        ((280, 1800, 2650),),
        (70, 100, 250),
        75,
        50,
        -10,
        Noise(-16, _SH),
        yielding=0.25,
        aperture=0.24,
        width=0.1,
    ),
    "HH": Phone(
        "aspirate", ((500, 1500, 2500),), (250, 160, 220), 80, 40, None, yielding=1, aperture=0.4, width=0.5
    ),
    # stops: closure, burst, breath
    "P": Phone(
        "stop", ((350, 950, 2120),), (200, 130, 200), 100, 70, None, Noise(-16, _LIPS), 50, 0.6, 0, 0.5
    ),
    "B": Phone("stop", ((220, 950, 2120),), (60, 110, 130), 85, 60, -16, Noise(-20, _LIPS), 10, 0.6, 0, 0.5),
    "T": Phone(
        "stop", ((350, 1720, 2640),), (200, 120, 250), 95, 65, None, Noise(-8, _TEETH), 55, 0.35, 0.16, 0.65
    ),
    "D": Phone(
        "stop", ((220, 1720, 2640),), (60, 100, 170), 75, 50, -16, Noise(-14, _TEETH), 14, 0.35, 0.16, 0.65
    ),
    "K": Phone(
        "stop", ((330, 1850, 2350),), (200, 160, 330), 100, 70, None, Noise(-4, _PALATE), 70, 0.7, 0.26, 0.55
    ),
    "G": Phone(
        "stop", ((220, 1850, 2350),), (60, 150, 280), 80, 60, -16, Noise(-15, _PALATE), 20, 0.7, 0.26, 0.55
    ),
    "CH": Phone(
        "affricate", ((330, 1800, 2650),), (200, 90, 300), 130, 90, None, Noise(-9, _SH), 75, 0.25, 0.2, 0.15
    ),
    "JH": Phone(
        "affricate", ((240, 1800, 2650),), (60, 80, 270), 115, 80, -16, Noise(-8, _SH), 55, 0.25, 0.2, 0.15
    ),
}

#: What some phones become beside others: an unstressed "uh", and "aw" before /r/.
ALLOPHONES: dict[str, Phone] = {
    "AH0": _vowel((500, 1400, 2450), (80, 90, 140), 110, 45, 0.4, 0.5),
    "AO R": _vowel((500, 800, 2350), (80, 80, 90), 200, 90, 0.6, 0.15),
}


def parse_phone(label: str) -> tuple[str, int | None]:
    """An ARPAbet label as its name and stress digit (0 none, 1 primary, 2 secondary; None: not written).

    >>> parse_phone("EH1"), parse_phone("K")
    (('EH', 1), ('K', None))

    Raises
    ------
    OptionError
        If it is no ARPAbet phone, with the list of those that are.
    """
    name, digit = (label[:-1], label[-1]) if label[-1:] in ("0", "1", "2") else (label, "")
    if name not in PHONES or (digit and PHONES[name].kind != "vowel"):
        raise OptionError(
            f"{label!r} is no ARPAbet phone; the phones are {' '.join(PHONES)}, vowels with 0, 1 or 2"
        )
    return name, int(digit) if digit else None
