"""Evidence of the last seconds of a source that does not end: every hop, a window, and what is older is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector
from genlock.lipsync.evidence.sight import Sight

__all__ = ["SETTLING_SECONDS", "WindowCollector"]

#: A window is told so long after its end: a beep is known 1.2 s after it began, a flash after 0.7 s.
SETTLING_SECONDS = Fraction(5, 4)
# How far one stream may run ahead of the other before windows go on without it.
_PATIENCE_SECONDS = Fraction(10)


class WindowCollector(EvidenceCollector):
    """Collects evidence while a source is read, and tells the last ``window_seconds`` of it every ``hop_seconds``.

    Memory holds a window and what has come since, whatever comes before. Where one of sound and picture stays away for
    ten seconds, windows go on without it. When the source ends, so does the last window.

    Parameters
    ----------
    on_evidence : told each window, in order
    window_seconds : length of a window, 2...60
    hop_seconds : from one window to the next, above 0 and at most a window
    mouths, sight : the mouth crops that are kept, and who looks at the whole picture, as for the collector of pieces

    Raises
    ------
    OptionError
        If a length is outside its range.

    Examples
    --------
    >>> from genlock.media import read
    >>> from genlock.testing import example_video
    >>> windows = []
    >>> report = read(example_video(), WindowCollector(windows.append).consumers[:1])
    >>> [(float(window.start), round(float(window.end), 1)) for window in windows]
    [(0.0, 2.0)]
    """

    def __init__(
        self,
        on_evidence: Callable[[Evidence], None],
        window_seconds: Exact = 8,
        hop_seconds: Exact = 2,
        mouths: str | None = None,
        sight: Sight | None = None,
    ) -> None:
        self._window, self._hop = exact(window_seconds), exact(hop_seconds)
        if not 2 <= self._window <= 60 or not 0 < self._hop <= self._window:
            raise OptionError(
                f"windows of {window_seconds} s, one every {hop_seconds} s: a window lasts 2...60 s, "
                "and the hop is above 0 and at most a window"
            )
        super().__init__(on_evidence, margin_seconds=2, mouths=mouths, sight=sight)
        self._told: Fraction | None = None  # the end of the last window

    def _advance(self) -> None:
        reached = self._reached(_PATIENCE_SECONDS)
        while True:
            end = self._first_instant() + self._window if self._told is None else self._told + self._hop
            if reached < end + SETTLING_SECONDS:
                return
            self._tell_window(end)

    def _finish(self) -> None:
        """What is left since the last window is the end of a last one."""
        last = self._last_instant()
        if last is None:
            return
        while self._told is not None and self._told + self._hop <= last:
            self._tell_window(self._told + self._hop)
        if self._told is None or self._told < last:
            self._tell_window(last)

    def _tell_window(self, end: Fraction) -> None:
        start = max(self._first_instant(), end - self._window)
        evidence = self._evidence(start, end, end + SETTLING_SECONDS)
        self._told = end
        self._forget(end + self._hop - self._window - self._margin)
        self._tell(evidence)
