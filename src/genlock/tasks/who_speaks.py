"""Who says which word: the mouths of a film are watched while it is read, and compared with the sound afterwards."""

from __future__ import annotations

from genlock.core.errors import MissingModel, NoStream
from genlock.lipsync.evidence.collect import EvidenceCollector
from genlock.lipsync.turns import SpeakingFaces
from genlock.media import Consumer, MediaInfo
from genlock.media.background import Background
from genlock.speech import Words
from genlock.tasks.sync_video import SyncProbe

__all__ = ["WhoSpeaks", "speaker_name"]


def speaker_name(face: int | None) -> str | None:
    """What words call the speaker with a face.

    >>> speaker_name(0), speaker_name(None)
    ('face0', None)
    """
    return None if face is None else f"face{face}"


class WhoSpeaks:
    """Watches the mouths of a film: hand its consumers to the pass, then ask who says the words.

    Faces are looked for in a thread of its own, which ``close`` (or ``with``) ends; beside a measurement of the offset
    they are looked for there, once for both.

    Parameters
    ----------
    info : what the file is
    beside : who measures the offset in the same pass; then there is no consumer here

    Raises
    ------
    NoStream
        If the file has no picture.
    MissingModel
        If nothing here finds faces.
    """

    def __init__(self, info: MediaInfo, beside: SyncProbe | None = None) -> None:
        if not info.video:
            raise NoStream(
                f"{info.path!r} has no picture, and --diarize tells speakers by their mouths alone; leave it out"
            )
        self._faces = SpeakingFaces()
        self._unknown = 0
        self._background: Background | None = None
        if beside is not None:
            beside.watch(self._faces.add)
            missing = beside.missing
        else:
            collector = EvidenceCollector(self._faces.add)
            missing = collector.missing
            self._background = Background(collector.consumers)
        if missing:
            self.close()
            raise MissingModel(f"--diarize looks for mouths: {'; '.join(missing)}")

    def __enter__(self) -> WhoSpeaks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread."""
        if self._background is not None:
            self._background.close()

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The consumers that the pass has to feed."""
        return () if self._background is None else self._background.consumers

    def said(self, words: Words) -> Words:
        """The words, each with who says it, after the pass has ended."""
        timed = [(k, word.start, word.end) for k, word in enumerate(words)]
        there = [(k, (start, end)) for k, start, end in timed if start is not None and end is not None]
        speakers: list[str | None] = [None] * len(words)
        for (number, _), face in zip(there, self._faces.of_words([span for _, span in there]), strict=True):
            speakers[number] = speaker_name(face)
        self._unknown = sum(speakers[number] is None for number, _ in there)
        return words.said_by(speakers)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it, once the words were asked for."""
        if self._faces.reason:
            return (f"nobody can be told to speak: {self._faces.reason}",)
        if self._unknown:
            return (f"{self._unknown} of the words are said by nobody who is seen",)
        return ()
