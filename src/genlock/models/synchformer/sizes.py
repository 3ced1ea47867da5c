"""How large a Synchformer is, and what one window of it is made of: all that its parts have to agree upon."""

from __future__ import annotations

from dataclasses import dataclass

from genlock.core.errors import OptionError

__all__ = [
    "BANDS",
    "BAND_FRAMES",
    "CLASSES",
    "PICTURES",
    "PICTURE_STEPS",
    "SEGMENTS",
    "SIDE",
    "SOUND_STEPS",
    "TOKENS",
    "Sizes",
]

#: Segments in one window.
SEGMENTS = 14
#: Pictures in one segment, 25 a second, and their side in pixels.
PICTURES, SIDE = 16, 224
#: Bands and frames of the sound of one segment, 100 a second.
BANDS, BAND_FRAMES = 128, 66
#: Rows that the picture and the sound of one segment give.
PICTURE_STEPS, SOUND_STEPS = 8, 6
#: Rows that the joint transformer sees: those of a window, the one that answers, and the one between both streams.
TOKENS = 2 + SEGMENTS * (PICTURE_STEPS + SOUND_STEPS)
#: Offsets that are told apart, from two seconds late to two seconds early.
CLASSES = 21

# Heads of the towers and of the joint transformer, whatever their width.
TOWER_HEADS, JOINT_HEADS = 12, 8


@dataclass(frozen=True)
class Sizes:
    """Width and depth; the default is that of the public weights.

    >>> Sizes().width, Sizes(width=24, picture_layers=1).inner
    (768, 96)

    Raises OptionError if the width cannot be split among the heads, or a depth is below 0.
    """

    width: int = 768
    """Numbers in a row, of both towers and of the joint transformer; a multiple of 24."""
    picture_layers: int = 12
    """Layers of the tower of pictures."""
    sound_layers: int = 12
    """Layers of the tower of sound."""
    joint_layers: int = 3
    """Layers of the joint transformer."""

    def __post_init__(self) -> None:
        if self.width < 24 or self.width % 24:
            raise OptionError(f"width={self.width}: a Synchformer is as wide as a multiple of 24")
        if min(self.picture_layers, self.sound_layers, self.joint_layers) < 0:
            raise OptionError(f"{self}: depths are at least 0")

    @property
    def inner(self) -> int:
        """Width within the two linear layers that follow each attention."""
        return 4 * self.width
