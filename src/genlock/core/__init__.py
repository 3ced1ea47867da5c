"""Time, and nothing else: what every other part of Genlock stands on. Standard library and numpy only."""

from genlock.core.errors import GenlockError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.time import exact, exact_rate
from genlock.core.timecode import Timecode
from genlock.core.track import Track
from genlock.core.warp import Warp

__all__ = [
    "Cells",
    "GenlockError",
    "Grid",
    "Span",
    "Spans",
    "Ticks",
    "Timecode",
    "Track",
    "Warp",
    "exact",
    "exact_rate",
]
