"""Evidence out of a file in one pass: pieces of a minute, with margins, in memory that does not grow.

An :class:`EvidenceCollector` brings three consumers for :func:`genlock.media.read`: the sound, the picture for the
faces, and a small grey picture. As soon as a piece and its margins are complete, it is told.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from genlock.core.errors import MissingDependency, MissingModel, OptionError
from genlock.core.grid import Ticks
from genlock.core.progress import Progress, silent
from genlock.core.time import Exact, exact
from genlock.extractors.face.landmarks import Landmarks
from genlock.extractors.face.mouth import Mouth, mouth_crops
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.tracking import FaceOptions
from genlock.extractors.face.watching import FaceWatch
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.beeps import BeepFinder
from genlock.lipsync.evidence.flashes import FlashFinder
from genlock.lipsync.evidence.picture_rows import SMALL_PICTURE, PictureRows
from genlock.lipsync.evidence.sight import Sight, SightRows
from genlock.lipsync.evidence.waveform_rows import SOUND_RATE, SoundRows
from genlock.media import (
    AudioBlock,
    AudioForm,
    Consumer,
    MediaInfo,
    ReadOptions,
    VideoCell,
    VideoForm,
    probe,
    read,
)
from genlock.media.consumers import Tap

__all__ = ["EvidenceCollector", "gather"]

# How far one stream may run ahead of the other before it is no longer waited for: a file with four seconds of sound
# and two hours of picture must not fill the memory.
_PATIENCE_SECONDS = Fraction(300)


class EvidenceCollector:
    """Collects evidence while a file is read.

    Parameters
    ----------
    on_evidence : told each piece, in order; what it does not keep is gone
    piece_seconds : length of a piece, at least 10; the last one is up to half a piece longer
    margin_seconds : how far the tracks reach over a piece's ends, 0...piece_seconds / 4
    faces : how faces are looked for; None leaves them out
    longest_side : larger pictures are scaled down to it, in pixels, before faces are looked for; None: none is
    watch : of faces, where somebody else wants to know of them too: each frame is looked at once. Its consumers are
        among :attr:`consumers`, and its own picture is what is looked at
    mouths : the mouth crops that are kept, as a feature: ``mouth/96``, or ``mouth:avhubert/96`` as public weights see
        them; None: none are. A minute of one face at 96 pixels and 25 frames a second takes 14 MB
    sight : looks at the whole picture while it is read; None: nobody does

    Examples
    --------
    >>> from genlock.media import read
    >>> from genlock.testing import example_video
    >>> pieces = []
    >>> collector = EvidenceCollector(pieces.append, faces=None)
    >>> report = read(example_video(), collector.consumers)
    >>> [(float(piece.start), len(piece.frames)) for piece in pieces]
    [(0.0, 50)]

    Raises
    ------
    OptionError
        If a length is outside its range, or ``mouths`` names no crops. Face models that are not here raise nothing:
        :attr:`missing` says it.
    """

    def __init__(
        self,
        on_evidence: Callable[[Evidence], None],
        piece_seconds: Exact = 60,
        margin_seconds: Exact = 2,
        faces: FaceOptions | None = FaceOptions(),  # noqa: B008 - frozen
        longest_side: int | None = 640,
        watch: FaceWatch | None = None,
        mouths: str | None = None,
        sight: Sight | None = None,
    ) -> None:
        self._piece, self._margin = exact(piece_seconds), exact(margin_seconds)
        if self._piece < 10 or not 0 <= self._margin <= self._piece / 4:
            raise OptionError(
                f"pieces of {piece_seconds} s with margins of {margin_seconds} s: a piece is at least 10 s long, "
                "a margin at most a quarter of it"
            )
        self._tell = on_evidence
        self._start: Fraction | None = None
        self._finished = False
        self._sound, self._picture, self._mouths = SoundRows(), PictureRows(), _face_rows(mouths)
        self._flashes, self._beeps = FlashFinder(), BeepFinder()
        self.unavailable: MissingModel | MissingDependency | None = None
        """Why no faces can be looked for here: their models are not there, or what runs them; None: they can."""
        self._watch: FaceWatch | None = None
        self._consumers: list[Consumer] = [Tap(AudioForm(SOUND_RATE, 1), self._take_sound, self._finish)]
        if faces is not None or watch is not None:
            try:
                form = VideoForm(pixels="rgb24", longest_side=longest_side, as_seen=True)
                self._watch = watch or FaceWatch((), faces or FaceOptions(), form)
                self._watch.sinks = (*self._watch.sinks, self._mouths)
                self._consumers += self._watch.consumers
            except (MissingModel, MissingDependency) as error:
                self.unavailable = error
        self._sight = None if sight is None else SightRows(sight)
        if sight is not None and self._sight is not None:
            self._consumers.append(Tap(sight.form, self._sight.push))
        # The grey picture comes last, so that a frame's faces are known when it is counted.
        grey = VideoForm(size=SMALL_PICTURE, pixels="gray")
        self._consumers.append(Tap(grey, self._take_picture, self._finish))

    @property
    def missing(self) -> tuple[str, ...]:
        """What cannot be collected here, each with its reason."""
        return () if self.unavailable is None else (str(self.unavailable),)

    @property
    def watch(self) -> FaceWatch | None:
        """Who looks for faces, with sinks to which more may be added before the read; None: nobody does."""
        return self._watch

    @property
    def notes(self) -> tuple[str, ...]:
        """How the picture was looked at, where that needs saying; known after the read."""
        return () if self._watch is None else self._watch.notes

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """For :func:`genlock.media.read` or a ClipRequest: all of them, or those whose stream the file has."""
        return tuple(self._consumers)

    def consumers_for(self, info: MediaInfo) -> tuple[Consumer, ...]:
        """Those whose stream the file has."""
        return tuple(
            consumer
            for consumer in self._consumers
            if (info.audio if isinstance(consumer.form, AudioForm) else info.video)
        )

    def _take_sound(self, block: AudioBlock) -> None:
        self._sound.push(block)
        self._beeps.push(block)
        self._advance()

    def _take_picture(self, cell: VideoCell) -> None:
        self._picture.push(cell)
        self._flashes.push(cell)
        self._advance()

    def _advance(self) -> None:
        """Tell the pieces that are complete; half a piece is held back, so that the last one is not too short."""
        reached = self._reached(_PATIENCE_SECONDS)
        # The stream that starts earlier may well be the one that arrives later.
        start = self._first_instant() if self._start is None else self._start
        while reached >= start + self._piece * 3 / 2:
            self._give(start, start + self._piece)
            start += self._piece

    def _finish(self) -> None:
        """The read is over: what is left is the last piece. Each consumer says so, the first time counts."""
        last = self._last_instant()
        if last is None:
            return
        start = self._first_instant() if self._start is None else self._start
        while last > start + self._piece * 3 / 2:
            self._give(start, start + self._piece)
            start += self._piece
        if last > start:
            self._give(start, last)

    def _ends(self) -> list[Fraction]:
        return [end for end in (self._sound.end, self._picture.end) if end is not None]

    def _reached(self, patience: Fraction) -> Fraction:
        """Up to where both streams are known; where one stays so far behind, or away, the other alone counts."""
        known = self._ends()
        late = max(known) - patience
        return late if len(known) < 2 else max(min(known), late)

    def _last_instant(self) -> Fraction | None:
        """Once, when the read is over: the end of all that was read; None if nothing was, or at any later call."""
        if self._finished:
            return None
        self._finished = True
        self._flashes.finish()
        self._beeps.finish()
        return max(self._ends(), default=None)

    def _first_instant(self) -> Fraction:
        return min(start for start in (self._sound.start, self._picture.start) if start is not None)

    def _give(self, start: Fraction, end: Fraction) -> None:
        evidence = self._evidence(start, end, end + self._margin)
        self._start = end
        self._forget(end - self._margin)
        self._tell(evidence)

    def _evidence(self, start: Fraction, end: Fraction, high: Fraction) -> Evidence:
        """What is known of ``[start, end)``, with a margin before it and up to ``high`` behind it."""
        low = start - self._margin
        frames = self._picture.frames(low, high)
        first = self._picture.first_frame(low)
        mel, loudness, waveform = self._sound.tracks(low, high)
        luma, motion = self._picture.tracks(low, high)
        clock = self._sound.clock or self._picture.clock
        return Evidence(
            clock=clock,
            start=start,
            end=end,
            frames=frames,
            mel=mel,
            loudness=loudness,
            faces=() if frames is None else _faces(self._mouths, first, frames),
            luma=luma,
            motion=motion,
            flashes=self._flashes.between(low, high),
            beeps=self._beeps.between(low, high),
            cuts=self._picture.cuts(low, high),
            waveform=waveform,
            sight=None if self._sight is None else self._sight.track(low, high),
        )

    def _forget(self, before: Fraction) -> None:
        """What lies before an instant is not asked for again."""
        self._sound.forget(before)
        self._mouths.forget(self._picture.first_frame(before))
        self._picture.forget(before)
        self._flashes.forget(before)
        if self._sight is not None:
            self._sight.forget(before)
        self._beeps.forget(before)


def _face_rows(mouths: str | None) -> FaceRows:
    """What estimators look at in a face: lips, opening, width, motion, in the order of :class:`FaceEvidence`, then
    crops of the mouth, if they are asked for."""
    parts = [Mouth(Mouth.presets[part]) for part in ("aperture", "width", "motion")]
    crops = [] if mouths is None else [mouth_crops(mouths)]
    return FaceRows([Landmarks(Landmarks.presets["lips"]), *parts, *crops])


def _faces(rows: FaceRows, first: int, frames: Ticks) -> tuple[FaceEvidence, ...]:
    """Every face that was seen in frames ``first`` to ``first + len(frames) - 1``, whose cells these are."""
    found = []
    within = range(first, first + len(frames))
    for face in rows.faces(within):
        run = rows.run(face, within)
        cells = frames.part(range(run.start - first, run.stop - first))
        tracks = [rows.track(face, feature, run, cells) for feature in rows.features]
        lips, aperture, width, motion = tracks[:4]
        size = float(np.median(rows.eye_pixels(face, run)))
        found.append(FaceEvidence(face, lips, aperture, width, motion, size, *tracks[4:]))
    return tuple(found)


def gather(
    file: str | os.PathLike[str],
    reading: ReadOptions | None = None,
    progress: Progress = silent,
    faces: FaceOptions | None = FaceOptions(),  # noqa: B008 - frozen
    mouths: str | None = None,
    sight: Sight | None = None,
) -> list[Evidence]:
    """All evidence of a file, in memory: for scripts and short files. ``mouths``, a feature such as
    ``mouth/96``, asks for mouth crops too, ``sight`` for what it sees of the whole picture.

    Raises
    ------
    MediaError
        If the file cannot be read, or has neither sound nor picture.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> (piece,) = gather(example_video(), faces=None)
    >>> piece.mel.values.shape[1], len(piece.luma)
    (40, 50)
    """
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append, faces=faces, mouths=mouths, sight=sight)
    read(
        file, collector.consumers_for(probe(file)), reading, lambda done, total: progress("read", done, total)
    )
    return pieces
