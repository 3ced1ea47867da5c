"""What each ARPAbet phone is: formants, levels, noise, duration and the mouth that makes it.

The numbers are facts out of the literature, in our own arrangement: vowel and consonant formants and bandwidths
after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", J. Acoust. Soc. Am. 67 (1980), tables
II and III, with the male averages of G. E. Peterson and H. L. Barney, "Control methods used in a study of the
vowels", J. Acoust. Soc. Am. 24 (1952); inherent and shortest durations after J. Allen, M. S. Hunnicutt and
D. Klatt, "From Text to Speech: The MITalk System" (1987), table 9-1. Noise bands, levels and mouth shapes are
ours, tuned by recognisers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from genlock.core.errors import OptionError

__all__ = ["ALLOPHONES", "PHONES", "SILENCE", "Noise", "Phone", "parse_phone"]

Kind: TypeAlias = Literal[
    "vowel", "glide", "liquid", "nasal", "fricative", "stop", "affricate", "aspirate", "silence"
]

#: The label of a pause.
SILENCE = "SIL"


@dataclass(frozen=True)
class Noise:
    """A noise made at a narrowing of the mouth: bands of it, and how loud it is in all."""

    level: float
    """RMS in dB against a stressed vowel's."""
    bands: tuple[tuple[float, float, float], ...]
    """``(centre Hz, bandwidth Hz, amplitude)`` of each resonance that shapes it."""


@dataclass(frozen=True)
class Phone:
    """One phone of the synthesiser."""

    kind: Kind
    """How it is made."""
    formants: tuple[tuple[float, float, float], ...]
    """(F1, F2, F3) in Hz; a second triple is where the phone glides to."""
    bandwidths: tuple[float, float, float]
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
    """Share 0...1 by which F2 of a consonant follows the vowel beside it (the slope of its locus equation)."""
    aperture: float = 0.2
    """How far the mouth stands open, 0 (lips shut) ... 1."""
    width: float = 0.5
    """How wide the mouth is, 0 (rounded) ... 1 (spread)."""

    @property
    def lips_shut(self) -> bool:
        """True of /p b m/, made with closed lips."""
        return self.kind in ("stop", "nasal") and self.aperture == 0.0


def _vowel(start, bandwidths, inherent, shortest, aperture, width, glide=None) -> Phone:  # type: ignore[no-untyped-def]
    formants = (start,) if glide is None else (start, glide)
    return Phone("vowel", formants, bandwidths, inherent, shortest, 0.0, aperture=aperture, width=width)


_S = ((5200.0, 900.0, 1.0), (6900.0, 1200.0, 0.9), (4100.0, 700.0, 0.25))
_SH = ((2650.0, 400.0, 1.0), (3700.0, 600.0, 0.8), (5200.0, 900.0, 0.45))
_F = ((1500.0, 2500.0, 0.5), (4500.0, 5000.0, 0.6), (7500.0, 4000.0, 0.8))
_TH = ((1700.0, 1800.0, 0.25), (5500.0, 3500.0, 0.6), (7400.0, 2200.0, 0.9))
_LIPS = ((700.0, 900.0, 1.0), (1500.0, 1500.0, 0.5), (3500.0, 3000.0, 0.25))
_TEETH = ((3900.0, 900.0, 0.8), (5200.0, 1200.0, 1.0), (2700.0, 600.0, 0.25))
_PALATE = ((1900.0, 350.0, 1.0), (2900.0, 700.0, 0.35), (4300.0, 1000.0, 0.2))

#: Every phone by its ARPAbet name, without stress.
PHONES: dict[str, Phone] = {
    SILENCE: Phone("silence", ((500.0, 1500.0, 2500.0),), (80.0, 100.0, 150.0), 200, 20, aperture=0.0, width=0.5),
    # vowels
    "IY": _vowel((310.0, 2120.0, 2960.0), (45.0, 160.0, 300.0), 155, 55, 0.36, 0.95, (285.0, 2220.0, 3000.0)),
    "IH": _vowel((420.0, 1880.0, 2560.0), (50.0, 100.0, 140.0), 135, 40, 0.42, 0.75, (460.0, 1740.0, 2580.0)),
    "EH": _vowel((530.0, 1760.0, 2500.0), (60.0, 90.0, 200.0), 150, 70, 0.66, 0.75, (570.0, 1660.0, 2510.0)),
    "AE": _vowel((640.0, 1690.0, 2430.0), (70.0, 150.0, 320.0), 230, 80, 0.88, 0.85, (660.0, 1560.0, 2450.0)),
    "AA": _vowel((720.0, 1170.0, 2550.0), (110.0, 70.0, 160.0), 240, 100, 1.0, 0.55),
    "AO": _vowel((570.0, 850.0, 2450.0), (90.0, 100.0, 80.0), 240, 100, 0.8, 0.25, (580.0, 900.0, 2470.0)),
    "AH": _vowel((630.0, 1210.0, 2500.0), (80.0, 60.0, 140.0), 140, 60, 0.62, 0.5),
    "UH": _vowel((450.0, 1080.0, 2300.0), (80.0, 100.0, 80.0), 160, 60, 0.42, 0.2, (470.0, 1150.0, 2330.0)),
    "UW": _vowel((340.0, 1150.0, 2230.0), (65.0, 110.0, 140.0), 210, 70, 0.28, 0.02, (310.0, 920.0, 2200.0)),
    "ER": _vowel((480.0, 1290.0, 1620.0), (90.0, 60.0, 110.0), 180, 80, 0.45, 0.3, (440.0, 1320.0, 1600.0)),
    "EY": _vowel((480.0, 1780.0, 2520.0), (70.0, 100.0, 200.0), 190, 90, 0.58, 0.85, (330.0, 2120.0, 2650.0)),
    "AY": _vowel((730.0, 1150.0, 2500.0), (100.0, 90.0, 160.0), 230, 105, 0.95, 0.6, (430.0, 1850.0, 2550.0)),
    "OY": _vowel((540.0, 900.0, 2400.0), (80.0, 90.0, 130.0), 280, 150, 0.72, 0.25, (360.0, 1860.0, 2450.0)),
    "OW": _vowel((540.0, 1060.0, 2350.0), (80.0, 80.0, 100.0), 220, 80, 0.6, 0.18, (400.0, 840.0, 2300.0)),
    "AW": _vowel((750.0, 1300.0, 2500.0), (90.0, 80.0, 150.0), 260, 110, 0.92, 0.55, (480.0, 950.0, 2380.0)),
    # glides and liquids
    "W": Phone("glide", ((290.0, 640.0, 2180.0),), (50.0, 80.0, 90.0), 80, 60, -5.0, yielding=0.1,
               aperture=0.14, width=0.0),
    "Y": Phone("glide", ((270.0, 2150.0, 3020.0),), (40.0, 200.0, 400.0), 80, 40, -5.0, yielding=0.1,
               aperture=0.25, width=0.85),
    "R": Phone("liquid", ((320.0, 1070.0, 1420.0),), (70.0, 100.0, 120.0), 80, 50, -4.0, yielding=0.15,
               aperture=0.28, width=0.2),
    "L": Phone("liquid", ((340.0, 1050.0, 2800.0),), (50.0, 100.0, 250.0), 80, 50, -5.0, yielding=0.2,
               aperture=0.35, width=0.5),
    # nasals
    "M": Phone("nasal", ((460.0, 1150.0, 2130.0),), (60.0, 200.0, 200.0), 75, 60, -5.0, yielding=0.5,
               aperture=0.0, width=0.5),
    "N": Phone("nasal", ((460.0, 1550.0, 2500.0),), (60.0, 250.0, 250.0), 65, 50, -5.0, yielding=0.3,
               aperture=0.22, width=0.6),
    "NG": Phone("nasal", ((460.0, 1900.0, 2650.0),), (60.0, 250.0, 250.0), 95, 60, -6.0, yielding=0.45,
                aperture=0.28, width=0.55),
    # fricatives
    "F": Phone("fricative", ((340.0, 1100.0, 2080.0),), (200.0, 120.0, 150.0), 100, 80, None, Noise(-24.0, _F),
               yielding=0.5, aperture=0.08, width=0.6),
    "V": Phone("fricative", ((240.0, 1100.0, 2080.0),), (70.0, 120.0, 150.0), 75, 60, -7.0, Noise(-29.0, _F),
               yielding=0.5, aperture=0.08, width=0.6),
    "TH": Phone("fricative", ((320.0, 1350.0, 2540.0),), (200.0, 90.0, 200.0), 95, 70, None, Noise(-23.0, _TH),
                yielding=0.35, aperture=0.2, width=0.6),
    "DH": Phone("fricative", ((270.0, 1350.0, 2540.0),), (60.0, 90.0, 170.0), 55, 38, -8.0, Noise(-32.0, _TH),
                yielding=0.35, aperture=0.2, width=0.6),
    "S": Phone("fricative", ((320.0, 1500.0, 2530.0),), (200.0, 80.0, 200.0), 110, 70, None, Noise(-10.0, _S),
               yielding=0.3, aperture=0.14, width=0.8),
    "Z": Phone("fricative", ((260.0, 1500.0, 2530.0),), (70.0, 80.0, 180.0), 80, 50, -11.0, Noise(-16.0, _S),
               yielding=0.3, aperture=0.14, width=0.8),
    "SH": Phone("fricative", ((300.0, 1800.0, 2650.0),), (200.0, 100.0, 300.0), 110, 80, None, Noise(-9.0, _SH),
                yielding=0.25, aperture=0.24, width=0.1),
    "ZH": Phone("fricative", ((280.0, 1800.0, 2650.0),), (70.0, 100.0, 250.0), 75, 50, -10.0, Noise(-16.0, _SH),
                yielding=0.25, aperture=0.24, width=0.1),
    "HH": Phone("aspirate", ((500.0, 1500.0, 2500.0),), (250.0, 160.0, 220.0), 80, 40, None, yielding=1.0,
                aperture=0.4, width=0.5),
    # stops: closure, burst, breath
    "P": Phone("stop", ((350.0, 950.0, 2120.0),), (200.0, 130.0, 200.0), 100, 70, None, Noise(-16.0, _LIPS), 50,
               0.6, 0.0, 0.5),
    "B": Phone("stop", ((220.0, 950.0, 2120.0),), (60.0, 110.0, 130.0), 85, 60, -16.0, Noise(-20.0, _LIPS), 10,
               0.6, 0.0, 0.5),
    "T": Phone("stop", ((350.0, 1720.0, 2640.0),), (200.0, 120.0, 250.0), 95, 65, None, Noise(-8.0, _TEETH), 55,
               0.35, 0.16, 0.65),
    "D": Phone("stop", ((220.0, 1720.0, 2640.0),), (60.0, 100.0, 170.0), 75, 50, -16.0, Noise(-14.0, _TEETH), 14,
               0.35, 0.16, 0.65),
    "K": Phone("stop", ((330.0, 1850.0, 2350.0),), (200.0, 160.0, 330.0), 100, 70, None, Noise(-4.0, _PALATE), 70,
               0.7, 0.26, 0.55),
    "G": Phone("stop", ((220.0, 1850.0, 2350.0),), (60.0, 150.0, 280.0), 80, 60, -16.0, Noise(-15.0, _PALATE), 20,
               0.7, 0.26, 0.55),
    "CH": Phone("affricate", ((330.0, 1800.0, 2650.0),), (200.0, 90.0, 300.0), 130, 90, None, Noise(-9.0, _SH), 75,
                0.25, 0.2, 0.15),
    "JH": Phone("affricate", ((240.0, 1800.0, 2650.0),), (60.0, 80.0, 270.0), 115, 80, -16.0, Noise(-8.0, _SH), 55,
                0.25, 0.2, 0.15),
}  # fmt: skip

#: What some phones become beside others: an unstressed "uh", and "aw" before /r/.
ALLOPHONES: dict[str, Phone] = {
    "AH0": _vowel((500.0, 1400.0, 2450.0), (80.0, 90.0, 140.0), 110, 45, 0.4, 0.5),
    "AO R": _vowel((500.0, 800.0, 2350.0), (80.0, 80.0, 90.0), 200, 90, 0.6, 0.15),
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
