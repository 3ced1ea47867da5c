"""What the project's own recogniser reads off lips: of the film, and of the person's own picture moved as faces move.

Every face is drawn the same way: the frame of the film in which the mouth is most closed, warped along its mesh, so
that nothing of the true lips is seen but what the motion says. Drawn with the true motion, it tells what drawing itself
costs a reader.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.animation.faces.base import FaceFrame
from genlock.animation.identity import load_footage
from genlock.animation.warp import WarpedFace
from genlock.bench.avsr_clips import read_film
from genlock.bench.avsr_words import prior_cases
from genlock.bench.face_clips import FaceClip
from genlock.bench.figures import Figure, Row, bootstrapped
from genlock.core.errors import InputError, OptionError
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.data.corpora import CorpusFolder, find_corpus
from genlock.drawing.opencv import cv2
from genlock.extractors import make_extractor
from genlock.extractors.base import FaceFeature
from genlock.extractors.both.on_frames import seen_on_frames
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.tracking import Sighting
from genlock.media import read_frames
from genlock.metrics.words import normal_words, word_errors
from genlock.models.face_nets import Region
from genlock.speech.audiovisual.checkpoint import load_recognizer
from genlock.speech.audiovisual.model import AudioVisualModel
from genlock.speech.audiovisual.search import SearchOptions, search
from genlock.speech.audiovisual.streams import look
from genlock.synth.talkers.truth import load_talker_truth, talker_path

__all__ = ["FILM", "PROTOCOL", "LipsCase", "LipsReader", "lips_rows", "texts_of"]

PROTOCOL = "read off lips"
#: The film as it is, among the systems.
FILM = "the film"
_PREFIX = "avsr:"


@dataclass(frozen=True)
class LipsCase:
    """What was read off one face."""

    clip: str
    """The film."""
    system: str
    """What moved the face."""
    said: str
    """What is said."""
    read: str
    """What was read."""

    __repr__ = one_line

    def counts(self) -> tuple[float, float, float, float]:
        """Wrong words, words, wrong characters, characters."""
        said, read = normal_words(self.said), normal_words(self.read)
        words, letters = word_errors(said, read), word_errors([*" ".join(said)], [*" ".join(read)])
        return words.total, words.true_words, letters.total, letters.true_words


class LipsReader:
    """A recogniser that is given no sound.

    Parameters
    ----------
    name : ``avsr:FOLDER``; ``avsr:avsr-nano`` is the one that comes with the package

    Raises
    ------
    OptionError
        If it is named otherwise, or sees no mouths that are cut by landmarks.
    MissingModel, FormatError
        If it is not there, or damaged.
    """

    def __init__(self, name: str) -> None:
        if not name.startswith(_PREFIX):
            raise OptionError(
                f"lips are read by avsr:FOLDER, not {name!r}; avsr:avsr-nano comes with the package"
            )
        self.model: AudioVisualModel = load_recognizer(name.removeprefix(_PREFIX))
        feature = make_extractor(self.model.mouth)
        if not isinstance(feature, FaceFeature):
            raise OptionError(f"{name!r} sees {self.model.mouth!r}, which is no feature of a face")
        self._feature = feature

    def read(self, clip: FaceClip, said: str, faces: Mapping[str, Track]) -> list[LipsCase]:
        """Read one clip: the film, and each of the faces, points [T, 468, 3] by their names.

        Raises InputError if the person of the film cannot be drawn.
        """
        mouths = {FILM: read_film(clip.path, self.model.mouth)[1]} | self._drawn(clip, faces)
        lips = look(
            self.model, [np.asarray(m.values) for m in mouths.values()], [m.valid for m in mouths.values()]
        )
        rows = [one.part(len(mouth)) for one, mouth in zip(lips, mouths.values(), strict=True)]
        found = search(self.model, self.model.encode(None, rows), SearchOptions())
        return [
            LipsCase(clip.name, system, said, best[0].text)
            for system, best in zip(mouths, found, strict=True)
        ]

    def _drawn(self, clip: FaceClip, faces: Mapping[str, Track]) -> dict[str, Track]:
        """Mouths of the person's picture, moved by each of the faces, 25 a second."""
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "face.png"
            cv2.imwrite(str(picture), cv2.cvtColor(_closed_frame(clip), cv2.COLOR_RGB2BGR))
            footage = load_footage(picture)
        drawn = WarpedFace(footage)
        found = {}
        for name, points in faces.items():
            rows = FaceRows([self._feature])
            for number in np.flatnonzero(points.valid).tolist():
                frame = FaceFrame(np.asarray(points.values[number], np.float32), clip.motion.neutral, 0.0)
                mesh = drawn.mesh(frame).astype(np.float32)
                image = drawn.draw(frame)
                rows(Sighting(0, number, mesh, 1.0, Region.of_mesh(mesh), image, number == 0))
            face = 0 if points.valid.any() else None
            found[name] = seen_on_frames(rows.track(face, self._feature, range(len(points)), points.grid))
        return found


def _closed_frame(clip: FaceClip) -> npt.NDArray[np.uint8]:
    """The frame of the film in which the mouth is most closed."""
    aperture = clip.motion.aperture
    opening = np.where(aperture.valid, np.asarray(aperture.values, np.float64), np.inf)
    wanted = clip.first_frame + int(opening.argmin())
    for number, cell in enumerate(read_frames(clip.path)):
        if number == wanted:
            return np.asarray(cell.pixels, np.uint8)
    raise InputError(f"{clip.name}: it has no frame {wanted} any more")


def texts_of(dataset: str | os.PathLike[str], recipe: str) -> dict[str, str]:
    """What is said in the films of a folder, by their whole paths: as a corpus' recipe finds it, or a talker's truth.

    Raises OptionError if there is no such recipe.
    """
    folder = Path(dataset) if Path(dataset).is_dir() else Path(dataset).parent
    found = {
        str((folder / source.path).resolve()): source.transcript
        for source in find_corpus(recipe).sources(CorpusFolder(folder))
        if source.transcript
    }
    for truth in folder.rglob("*.talker.json"):
        film = truth.with_name(truth.name.removesuffix(".talker.json") + ".mp4")
        if talker_path(film) == truth:
            found[str(film.resolve())] = load_talker_truth(truth).text
    return found


def lips_rows(cases: Sequence[LipsCase], reader: str, seed: int) -> list[Row]:
    """A row of each system: word and character error rate, and word error rate against what is read off the film.

    Below them what can be written without a look: the text of another clip, and the likeliest word of each place.
    """
    film = {case.clip: case.read for case in cases if case.system == FILM}
    said = {case.clip: case.said for case in cases}
    rows = []
    for system in dict.fromkeys(case.system for case in cases):
        own = [case for case in cases if case.system == system]
        figures = _rates([case.counts() for case in own], seed)
        if system != FILM:
            against = [LipsCase(c.clip, c.system, film[c.clip], c.read).counts() for c in own]
            figures["WER to film's"] = _rates(against, seed)["WER"]
        rows.append(Row(PROTOCOL, system, len(own), figures))
    prior = prior_cases(reader, list(said), [""] * len(said), list(said.values()))
    for system in dict.fromkeys(case.system for case in prior):
        written = [
            LipsCase(c.clip, system, said[c.clip], c.text).counts() for c in prior if c.system == system
        ]
        rows.append(Row(PROTOCOL, system, len(written), _rates(written, seed)))
    return rows


def _rates(counts: Sequence[tuple[float, float, float, float]], seed: int) -> dict[str, Figure]:
    table = np.asarray(counts, np.float64)
    return {"WER": bootstrapped(table[:, :2], _rate, seed), "CER": bootstrapped(table[:, 2:], _rate, seed)}


def _rate(pairs: npt.NDArray[np.float64]) -> float:
    wrong, all_ = pairs.sum(axis=0)
    return float(wrong / max(all_, 1))
