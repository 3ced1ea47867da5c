"""What the mouth does for each phone: targets, how firmly they are held, and how far before and after they reach.

After M. M. Cohen and D. W. Massaro, "Modeling coarticulation in synthetic visual speech" (1993): each phone pulls every
articulator to its target, with a dominance that falls off before and after its middle; the mouth is the mean of the
targets, weighted by their dominances. Lips that must touch (/p b m/, /f v/) do not share: see
:mod:`genlock.synth.talkers.motion`.

Columns are jaw, round, spread, upper lip, lower lip, tongue; at 1 a part of the mouth is as far as the mesh can take
it, and below 0 the lips go the other way. Jaw, rounding and lips are a compromise between the textbook (which phone is
open, round or spread) and a ridge regression of 172 clips of 13 speakers of GRID (CC BY 4.0; Cooke, Barker, Cunningham
and Shao 2006), each scaled to the same range of the jaw: mesh points with the pose removed, phones by the project's
aligner. Phones seen often have up to .6 of what was measured. The tongue, which no camera saw, is the textbook's.
"""

from __future__ import annotations

from dataclasses import dataclass

from genlock.core.errors import OptionError

__all__ = ["MOUTH", "REST", "VISEMES", "Pull", "Viseme", "viseme_of"]

#: The articulators that phones share, in order.
MOUTH: tuple[str, ...] = ("jaw", "round", "spread", "upper", "lower", "tongue")

Row = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Pull:
    """One target of a phone."""

    target: Row
    """Where it pulls each of :data:`MOUTH`."""
    hold: Row = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """Dominance in its middle, above 0: of two neighbours the greater wins."""
    place: float = 0.5
    """Where in the phone its middle lies, 0 (start) ... 1 (end)."""


@dataclass(frozen=True)
class Viseme:
    """What one phone does to the mouth."""

    pulls: tuple[Pull, ...]
    """Its targets in order: one, or two of a diphthong."""
    shut: tuple[float, float] | None = None
    """Of /p b m/: the part of the phone, as shares of its length, through which the lips are shut."""
    tuck: bool = False
    """Whether the lower lip lies against the upper teeth."""


#: The mouth between sentences.
REST: Row = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

# Vowels take the jaw and the shape of the lips alike; a second row is where a diphthong goes.
_VOWELS: dict[str, tuple[Row, ...]] = {
    "IY": ((0.20, 0.00, 0.75, 0.25, 0.35, 0.45),),
    "IH": ((0.22, 0.00, 0.12, 0.12, 0.13, 0.35),),
    "EH": ((0.35, 0.00, 0.30, 0.19, 0.16, 0.25),),
    "AE": ((0.38, 0.00, 0.51, 0.01, 0.21, 0.15),),
    "AA": ((0.55, 0.06, 0.03, 0.05, 0.22, 0.05),),
    "AO": ((0.30, 0.27, 0.00, 0.07, 0.12, 0.05),),
    "AH": ((0.27, 0.16, 0.03, 0.01, 0.12, 0.15),),
    "UH": ((0.20, 0.36, 0.00, 0.09, 0.12, 0.20),),
    "UW": ((0.07, 0.45, 0.00, -0.08, 0.06, 0.20),),
    "ER": ((0.17, 0.32, 0.00, 0.18, 0.18, 0.40),),
    "EY": ((0.37, 0.03, 0.25, 0.08, 0.16, 0.25), (0.24, 0.00, 0.50, 0.28, 0.18, 0.45)),
    "AY": ((0.52, 0.05, 0.12, 0.10, 0.20, 0.05), (0.30, 0.00, 0.40, 0.15, 0.20, 0.40)),
    "OY": ((0.34, 0.48, 0.00, 0.09, 0.18, 0.05), (0.15, 0.04, 0.35, 0.15, 0.21, 0.40)),
    "OW": ((0.30, 0.33, 0.00, 0.10, 0.14, 0.10), (0.15, 0.54, 0.00, -0.10, 0.06, 0.15)),
    "AW": ((0.49, 0.02, 0.32, 0.14, 0.16, 0.05), (0.19, 0.38, 0.00, -0.09, 0.02, 0.15)),
}
# Consonants: target, then hold. What is not made by an articulator is left to the neighbours.
_CONSONANTS: dict[str, tuple[Row, Row]] = {
    "W": ((0.18, 0.66, 0.00, -0.61, -0.12, 0.20), (1.0, 2.0, 1.5, 1.0, 1.0, 0.3)),
    "Y": ((0.11, 0.02, 0.33, 0.08, 0.16, 0.60), (0.8, 0.5, 0.8, 0.5, 0.5, 1.0)),
    "R": ((0.06, 0.63, 0.00, -0.33, -0.06, 0.50), (0.7, 0.9, 0.9, 0.8, 0.8, 1.0)),
    "L": ((0.27, 0.10, 0.03, -0.05, 0.12, 0.95), (0.6, 0.3, 0.3, 0.4, 0.4, 1.5)),
    "M": ((0.08, 0.01, 0.06, -0.02, -0.01, 0.10), (0.8, 0.3, 0.3, 1.0, 1.0, 0.2)),
    "N": ((0.17, 0.12, 0.06, -0.03, 0.03, 0.85), (0.5, 0.3, 0.3, 0.4, 0.4, 1.5)),
    "NG": ((0.20, 0.00, 0.10, 0.12, 0.18, 0.10), (0.4, 0.2, 0.2, 0.3, 0.3, 0.6)),
    "F": ((0.03, 0.03, 0.04, 0.12, -0.03, 0.10), (1.0, 0.3, 0.3, 1.2, 1.5, 0.2)),
    "V": ((0.05, 0.09, 0.06, 0.24, -0.06, 0.10), (1.0, 0.3, 0.3, 1.2, 1.5, 0.2)),
    "TH": ((0.10, 0.05, 0.07, -0.00, 0.03, 1.00), (0.8, 0.3, 0.3, 0.5, 0.6, 2.0)),
    "DH": ((0.14, 0.01, 0.12, 0.07, 0.16, 1.00), (0.7, 0.3, 0.3, 0.5, 0.6, 2.0)),
    "S": ((0.08, 0.00, 0.44, 0.49, 0.10, 0.60), (1.4, 0.4, 0.5, 0.6, 0.8, 1.0)),
    "Z": ((0.08, 0.03, 0.11, 0.16, 0.07, 0.60), (1.4, 0.4, 0.5, 0.6, 0.8, 1.0)),
    "SH": ((0.07, 0.52, 0.00, 0.33, 0.36, 0.50), (1.4, 1.4, 1.2, 1.2, 1.2, 0.8)),
    "ZH": ((0.07, 0.52, 0.00, 0.33, 0.36, 0.50), (1.4, 1.4, 1.2, 1.2, 1.2, 0.8)),
    "HH": ((0.25, 0.08, 0.10, 0.12, 0.17, 0.10), (0.1, 0.1, 0.1, 0.1, 0.1, 0.1)),
    "P": ((0.19, 0.08, 0.04, -0.25, -0.06, 0.10), (0.7, 0.3, 0.3, 1.0, 1.0, 0.2)),
    "B": ((0.20, 0.12, 0.02, -0.25, -0.06, 0.10), (0.7, 0.3, 0.3, 1.0, 1.0, 0.2)),
    "T": ((0.17, 0.14, 0.07, 0.26, 0.07, 0.80), (0.8, 0.3, 0.3, 0.4, 0.5, 1.5)),
    "D": ((0.18, 0.14, 0.10, -0.01, 0.05, 0.80), (0.7, 0.3, 0.3, 0.4, 0.5, 1.5)),
    "K": ((0.21, 0.00, 0.20, 0.24, 0.18, 0.10), (0.4, 0.2, 0.2, 0.3, 0.3, 0.6)),
    "G": ((0.16, 0.10, 0.04, 0.13, 0.05, 0.10), (0.4, 0.2, 0.2, 0.3, 0.3, 0.6)),
    "CH": ((0.10, 0.43, 0.00, 0.24, 0.29, 0.60), (1.4, 1.3, 1.1, 1.1, 1.1, 0.8)),
    "JH": ((0.10, 0.50, 0.00, 0.21, 0.27, 0.60), (1.4, 1.3, 1.1, 1.1, 1.1, 0.8)),
}
# Without closures that are known, so much of the phone is one: what follows in /p b/ is the burst and the breath.
_SHUT = {"P": (0.05, 0.6), "B": (0.05, 0.85), "M": (0.05, 0.95)}
_DIPHTHONG_PLACES = (0.3, 0.85)
# A regression shrinks: what it made of GRID's phones moved the jaw .74 as much as the jaw moved. Targets are moved away
# from the middle by as much.
_JAW_MIDDLE, _JAW_SHRUNK = 0.2, 0.74


def _table() -> dict[str, Viseme]:
    found = {}
    for name, rows in _VOWELS.items():
        places = (0.5,) if len(rows) == 1 else _DIPHTHONG_PLACES
        found[name] = Viseme(
            tuple(Pull(_stretched(row), place=place) for row, place in zip(rows, places, strict=True))
        )
    for name, (target, hold) in _CONSONANTS.items():
        found[name] = Viseme((Pull(_stretched(target), hold),), _SHUT.get(name), name in ("F", "V"))
    return found


def _stretched(row: Row) -> Row:
    jaw = _JAW_MIDDLE + (row[0] - _JAW_MIDDLE) / _JAW_SHRUNK
    return (round(max(jaw, 0.0), 3), *row[1:])


#: By ARPABET name, without stress.
VISEMES: dict[str, Viseme] = _table()


def viseme_of(label: str) -> Viseme | None:
    """The viseme of an ARPABET label, with or without stress; None for silence (``sil``, ``SIL``, ``sp``, empty).

    >>> viseme_of("B").shut, viseme_of("UW1").pulls[0].target[1], viseme_of("sil")
    ((0.05, 0.85), 0.45, None)

    Raises OptionError for what is no phone.
    """
    name = label.rstrip("012").upper()
    if name in ("SIL", "SP", "SPN", ""):
        return None
    if name not in VISEMES:
        raise OptionError(f"{label!r} is no ARPABET phone; the phones are {' '.join(sorted(VISEMES))}")
    return VISEMES[name]
