"""Lips against speech by AV-HuBERT: what it hears alone against what it sees alone, on all shifts.

``avhubert:FOLDER`` names the model, ``avhubert`` alone is the one that comes with Genlock. It needs torch. Both passes
run in windows as long as the clips that the model was trained on; their frames are compared along each diagonal, so
the curve has a lag for every frame (40 ms), and its peak lies between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genlock.aligners.diagonal import diagonal_products
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.track import Track
from genlock.extractors.both.on_frames import FRAME_RATE, heard_on_frames, mouth_pictures, seen_on_frames
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import Trust, Window, not_matched
from genlock.lipsync.estimators.by_face import FaceShifts, windows_of_shifts
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.weights import registry

if TYPE_CHECKING:
    from genlock.models.avhubert.recognizer import AVRecognizer

__all__ = ["OWN_MODEL", "AVHuBERTSync"]

#: The model that is taken where none is named.
OWN_MODEL = "avsr-nano"

# A clip of a model that does not say how long its clips were, and what is seen on both sides of a window, in seconds.
_USUAL_CLIP, _CONTEXT = Fraction(10), Fraction(1, 2)


class AVHuBERTSync:
    """Estimator of the offset from what an AV-HuBERT hears and sees.

    Parameters
    ----------
    model : a folder, or whatever :func:`genlock.models.avhubert.load.load_avhubert` takes; empty: our own
    reach_seconds : the largest offset that is looked for, to either side, in whole frames; 0.1...10

    Raises
    ------
    OptionError
        If the reach is out of range.
    MissingModel, FormatError
        If the model is not here, or damaged.
    MissingDependency
        Without torch and transformers.
    """

    name = "avhubert"
    mouth_side: int | None = 96

    def __init__(self, model: str = "", reach_seconds: Exact = Fraction(6, 5)) -> None:
        self.reach_seconds = exact(reach_seconds)
        if not Fraction(1, 10) <= self.reach_seconds <= 10:
            raise OptionError(f"reach_seconds={reach_seconds} lies outside 0.1...10")
        # torch is an optional package: only who asks for this estimator waits for it.
        from genlock.models.avhubert.load import load_avhubert

        self.model: AVRecognizer = load_avhubert(model or registry.require(OWN_MODEL)).model

    @property
    def mouths(self) -> str:
        """The crops that the model was taught on, as a feature."""
        return str(self.model.facts.get("mouth", f"mouth/{self.mouth_side}"))

    @cached_property
    def clip_seconds(self) -> Fraction:
        """How long the clips of its training were."""
        said = self.model.facts.get("clip_seconds")
        return exact(said) if isinstance(said, str | int | float) else _USUAL_CLIP

    @property
    def trust(self) -> Trust:
        """Believed as its ``sync_calibration`` says; one that has none, half at most, and never as sure."""
        own = self.model.facts.get("sync_calibration")
        calibrated = isinstance(own, Mapping)
        remark = "" if calibrated else "this AV-HuBERT's probability was not calibrated"
        if self.model.alignment is None:
            remark = "this AV-HuBERT was not trained to align"
        return Trust(
            Confidence.of(own) if isinstance(own, Mapping) else self._by_temperature(),
            most_probability=1.0 if calibrated else 0.5,
            follows_changes=calibrated,
            remark=remark,
            still="what is heard and what is seen are alike at no lag",
            foreign=not_matched(self.reach_seconds),
        )

    def _by_temperature(self) -> Confidence:
        """A clip of the training's length is as sure as the model was trained to be: scores over its temperature."""
        scale = 1 / 0.07 if self.model.alignment is None else float(self.model.alignment.scale)
        return Confidence(sharpness=scale / float(self.clip_seconds), blur_seconds=0.02)

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> Sequence[Window]:
        """Cues of stretches of about ``window_seconds`` of the piece: one for each face."""
        return windows_of_shifts(self.name, evidence, window_seconds, self._face)

    def _face(self, evidence: Evidence, face: FaceEvidence) -> FaceShifts | None:
        """The face's frames, and the sound around them as far as shifts reach."""
        if face.mouth is None or evidence.waveform is None or not len(face.mouth):
            return None
        picture = seen_on_frames(face.mouth)
        if not len(picture) or not isinstance(picture.grid, Grid):
            return None
        reach = max(1, round_fraction(self.reach_seconds * FRAME_RATE, "floor"))
        around = Grid(FRAME_RATE, picture.grid.edge(-reach), picture.grid.clock)
        sound = heard_on_frames(evidence.waveform, around, len(picture) + 2 * reach)
        heard, seen = self._vectors(sound, picture)
        # Both rows are counted from the first frame of the sound.
        edge = ((reach, reach), (0, 0))
        products, there = diagonal_products(
            heard,
            np.pad(seen, edge),
            reach,
            heard_there=sound.valid,
            seen_there=np.pad(picture.valid, (reach, reach)),
        )
        inside = slice(reach, reach + len(picture))
        return FaceShifts(face.face, picture.grid, products[:, inside], there[:, inside], picture.valid)

    def _vectors(self, sound: Track, picture: Track) -> tuple[Any, Any]:
        """Unit vectors of what is heard and of what is seen, [Ts, C] and [Tp, C]."""
        import torch

        from genlock.models.avhubert.windows import EncoderWindows, encode_windows

        clip = round_fraction(self.clip_seconds * FRAME_RATE, "nearest")
        context = min(round_fraction(_CONTEXT * FRAME_RATE, "nearest"), clip // 4)
        windows = EncoderWindows(max(1, clip - 2 * context), context)
        side, encoder = self.model.parts.encoder.crop, self.model.encoder
        heard = np.where(sound.valid[:, None], sound.values, np.float32(0))

        def shown(first: int, stop: int) -> npt.NDArray[np.float32]:
            return mouth_pictures(picture.values[first:stop], side, picture.valid[first:stop])

        vectors = []
        for rows, pictures, count in ((heard, None, len(heard)), (None, shown, len(picture))):
            whole = np.concatenate(
                [values for _, values in encode_windows(encoder, rows, pictures, count, windows=windows)]
            )
            head = self.model.alignment
            if head is not None:
                with torch.inference_mode():
                    mapped = (head.sound if pictures is None else head.picture)(torch.from_numpy(whole))
                whole = mapped.numpy()
            vectors.append(whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12))
        return vectors[0], vectors[1]
