"""Faces against sound by SyncNet's public weights: how far what is heard lies from what is seen, on all shifts.

``syncnet:FILE`` names the weights; none come with Genlock. It needs torch. A window is five pictures of a face, 25 a
second, and the sound of the same fifth of a second; it describes its middle. The curve is the mean distance of both,
taken negative, so that it rises where they agree; it has a lag for every frame (40 ms), and its peak lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genlock.aligners.diagonal import diagonal_products
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.resample import Mask
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.track import Track
from genlock.extractors.both.on_frames import FRAME_RATE, samples_on_frames, seen_on_frames
from genlock.extractors.sound.mfcc import PRESETS, Mfcc
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import Trust, Window, not_matched
from genlock.lipsync.estimators.by_face import FaceShifts, windows_of_shifts
from genlock.lipsync.evidence.base import Evidence, FaceEvidence

if TYPE_CHECKING:
    from genlock.models.syncnet.towers import SyncNet

__all__ = ["SyncNetSync", "distances_on_shifts", "heard_windows"]

# Pictures in a window; frames of sound in a window, and in a picture.
_PICTURES, _SOUNDS, _SOUNDS_EACH = 5, 20, 4
_RATE = 16000
_SAMPLES_EACH = _RATE // int(FRAME_RATE)
# A usual distance of sound and picture that do not belong together. It makes of distances what the usual confidence
# expects, values about 1 where nothing is shared; it is a scale and not a calibration.
_USUAL_DISTANCE = 15.0


class SyncNetSync:
    """Estimator of the offset from what SyncNet hears and sees.

    Parameters
    ----------
    model : the file of the weights, as :func:`genlock.models.syncnet.load.load_syncnet` takes it
    reach_seconds : the largest offset that is looked for, to either side, in whole frames; 0.1...10, published 0.6

    Raises
    ------
    OptionError
        If the reach is out of range, or no model is named.
    MissingModel, FormatError
        If the weights are not there, or are not SyncNet's.
    MissingDependency
        Without torch.
    """

    name = "syncnet"
    mouth_side: int | None = 224
    mouths = "mouth:syncnet/224"
    # Whole faces take 3.8 MB a second; half as much again as a piece is kept, and its margins.
    piece_seconds = Fraction(15)

    def __init__(self, model: str = "", reach_seconds: Exact = Fraction(6, 5)) -> None:
        self.reach_seconds = exact(reach_seconds)
        if not Fraction(1, 10) <= self.reach_seconds <= 10:
            raise OptionError(f"reach_seconds={reach_seconds} lies outside 0.1...10")
        if not model:
            raise OptionError(
                "the estimator 'syncnet' has no weights of its own: name the public file, as syncnet:syncnet_v2.model "
                "(docs/syncnet.md says where it is)"
            )
        # torch is an optional package: only who asks for this estimator waits for it.
        from genlock.models.syncnet.load import load_syncnet

        self.model: SyncNet = load_syncnet(model)

    @property
    def trust(self) -> Trust:
        """Believed by half at most: how often it is right at which distance was not measured here."""
        return Trust(
            Confidence(
                sharpness=1 / _USUAL_DISTANCE,
                blur_seconds=0.02,
                by_height=2.0 / _USUAL_DISTANCE,
                by_lead=5.5 / _USUAL_DISTANCE,
            ),
            most_probability=0.5,
            follows_changes=False,
            remark="SyncNet's probability was not calibrated",
            still="what is heard and what is seen are alike at no lag",
            foreign=not_matched(self.reach_seconds),
        )

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> Sequence[Window]:
        """Cues of stretches of about ``window_seconds`` of the piece: one for each face."""
        return windows_of_shifts(self.name, evidence, window_seconds, self._face)

    def _face(self, evidence: Evidence, face: FaceEvidence) -> FaceShifts | None:
        """The face's windows, and those of the sound around them as far as shifts reach."""
        if face.mouth is None or evidence.waveform is None or not len(face.mouth):
            return None
        pictures = seen_on_frames(face.mouth)
        count = len(pictures) - _PICTURES + 1
        if count < 1 or not isinstance(pictures.grid, Grid):
            return None
        reach = max(1, round_fraction(self.reach_seconds * FRAME_RATE, "floor"))
        # A window of five pictures describes its middle, which is that of the third.
        middles = Grid(FRAME_RATE, pictures.grid.edge(_PICTURES // 2), pictures.grid.clock)
        around = Grid(FRAME_RATE, middles.edge(-reach), middles.clock)
        sounds = heard_windows(evidence.waveform, around, count + 2 * reach)
        heard = self.model.hear_windows(sounds.values)
        seen = self.model.see_windows(pictures.values)
        whole = np.asarray(np.lib.stride_tricks.sliding_window_view(pictures.valid, _PICTURES).all(axis=1))
        distances, there = distances_on_shifts(heard, seen, reach, sounds.valid, whole)
        return FaceShifts(face.face, middles, -distances, there, whole)


def heard_windows(sound: Track, middles: Grid, length: int) -> Track:
    """Twenty frames of 13 coefficients for each of so many windows, float32 [length, 20, 13].

    A window begins 100 ms before the middle of its cell, with the first of its five pictures, as published. Its last
    frame of 25 ms reaches 15 ms beyond them, so that its own centre lies 7.5 ms late; public weights were trained so.
    Windows that are not wholly within the sound are invalid.

    Parameters
    ----------
    sound : waveform at 16 kHz, [N] or [N, 1], within -1...1
    middles : 25 cells a second, each the middle one of a window, on the sound's clock

    Raises
    ------
    OptionError
        If the sound or the windows have another rate.

    >>> heard = heard_windows(Track(np.ones(16000, np.float32), Grid(16000)), Grid(25), 25)
    >>> heard.values.shape, heard.valid.nonzero()[0][[0, -1]].tolist()
    ((25, 20, 13), [2, 22])
    """
    cells = Grid(middles.rate, middles.edge(-(_PICTURES // 2)), middles.clock)
    # The first frame of 25 ms begins with the first window, the last one ends 240 samples after the last window.
    wanted, first, count = samples_on_frames(sound, cells, length + _PICTURES - 1)
    rows = Mfcc(PRESETS["psf"])(wanted).values[: (length + _PICTURES - 1) * _SOUNDS_EACH]
    every = np.lib.stride_tricks.sliding_window_view(rows, _SOUNDS, axis=0)[::_SOUNDS_EACH]
    begin = first + _SAMPLES_EACH * np.arange(length)
    inside = (begin >= 0) & (begin + _PICTURES * _SAMPLES_EACH <= count)
    values = np.ascontiguousarray(every[:length].transpose(0, 2, 1), np.float32)
    return Track(values, middles, inside, name="mfcc:syncnet", support=Fraction(_PICTURES, 25))


def distances_on_shifts(
    heard: npt.NDArray[np.float32],
    seen: npt.NDArray[np.float32],
    reach: int,
    heard_there: Mask | None = None,
    seen_there: Mask | None = None,
) -> tuple[npt.NDArray[np.float64], Mask]:
    """Euclidean distances of what is seen from what is heard on every shift, and where both are there.

    Parameters
    ----------
    heard : float32 [count + 2 reach, C], from ``reach`` windows before the first one that is seen on
    seen : float32 [count, C]
    heard_there, seen_there : which of them are there; all of them if not given

    Returns
    -------
    distances : float64 [2 reach + 1, count]
        Row k: the sound is ``k - reach`` frames early; 0 where one of them is not there.
    there : bool of the same shape

    >>> rows = np.float32([[0, 0], [3, 4], [0, 1]])
    >>> distances_on_shifts(rows, rows[1:2], 1)[0].tolist()
    [[4.242640687119285], [0.0], [5.0]]
    """
    sound, picture = np.asarray(heard, np.float64), np.asarray(seen, np.float64)
    # |h - s|^2 = h.h - 2 h.s + s.s as one product; both rows are counted from the first window of the sound.
    left = np.column_stack([sound, (sound * sound).sum(1), np.ones(len(sound))])
    right = np.column_stack([-2 * picture, np.ones(len(picture)), (picture * picture).sum(1)])
    there_right = np.ones(len(picture), np.bool_) if seen_there is None else seen_there
    squares, there = diagonal_products(
        left,
        np.pad(right, ((reach, reach), (0, 0))),
        reach,
        heard_there=heard_there,
        seen_there=np.pad(there_right, (reach, reach)),
    )
    inside = slice(reach, reach + len(picture))
    return np.sqrt(np.maximum(squares[:, inside], 0)), there[:, inside]
