"""What subtitlers keep to, by profile: how long a line may be, how fast it is read, how long it stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from genlock.core.errors import OptionError

__all__ = ["PLAIN", "PROFILES", "SubtitleRules", "find_rules"]


@dataclass(frozen=True)
class SubtitleRules:
    """The rules of one profile; times in exact seconds."""

    name: str
    """What it is asked for by."""
    line_letters: int = 42
    """Most characters of a line, spaces counted."""
    lines: int = 2
    """Most lines of a cue."""
    speed: int = 20
    """Most characters a second that are read with ease, spaces counted."""
    shortest: Fraction = Fraction(5, 6)
    """Least time that a cue stays, where the next one leaves it that."""
    longest: Fraction = Fraction(6)
    """Most time that a cue stays."""
    gap: Fraction = Fraction(1, 12)
    """Time between two cues that follow each other; two frames at 24 a second."""
    linger: Fraction = Fraction(1, 2)
    """Most time that a cue stays after its last word for the sake of reading."""
    pause: Fraction = Fraction(7, 10)
    """A pause in speech as long as this ends a cue."""
    cut_reach: Fraction = Fraction(1, 2)
    """Where borders are snapped to shots, one so near to a change of shot is moved to it."""
    cut_wait: Fraction = Fraction(7, 24)
    """A cue comes at most so much later than its first word for the sake of a change of shot."""
    dash: str = "- "
    """What each line of a cue begins with where two people have one each."""
    names: bool = False
    """Whether forms without voice tags (SRT) name who speaks, wherever it is somebody else than before."""
    source: str = ""
    """Whose rules these are."""

    @property
    def letters(self) -> int:
        """Most characters of a cue."""
        return self.line_letters * self.lines


PLAIN = SubtitleRules("plain", source="what most subtitlers agree on")
#: Profiles by name.
PROFILES: Mapping[str, SubtitleRules] = MappingProxyType(
    {
        rules.name: rules
        for rules in (
            PLAIN,
            SubtitleRules(
                "netflix-en",
                speed=17,
                longest=Fraction(7),
                dash="-",
                source="Netflix, English template timed text style guide: 42 characters, 17 a second, 5/6 to 7 s, "
                "2 frames apart, out at most 12 frames after speech, a hyphen without a space before each of "
                "two voices, borders within 12 frames of a change of shot at it (7 where a cue would come later)",
            ),
            SubtitleRules(
                "bbc",
                line_letters=37,
                speed=15,
                shortest=Fraction(1),
                longest=Fraction(7),
                gap=Fraction(0),
                linger=Fraction(3, 2),
                names=True,
                source="BBC subtitle guidelines: 37 characters, 160 to 180 words a minute, on screen for at most "
                "1.5 s after speech, borders at changes of shot, names where nothing else tells speakers apart",
            ),
        )
    }
)


def find_rules(name: str) -> SubtitleRules:
    """The rules of a profile.

    Raises OptionError if there is none of that name.

    >>> find_rules("bbc").line_letters
    37
    """
    if name not in PROFILES:
        raise OptionError(f"there is no profile {name!r} of subtitles; there are {', '.join(PROFILES)}")
    return PROFILES[name]
