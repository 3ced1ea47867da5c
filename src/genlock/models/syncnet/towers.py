"""The two towers of SyncNet v2: 0.2 s of sound and five pictures of a face, each to 1024 numbers.

Parameters bear the names of the public checkpoint (``netcnnlip.4.weight``), so that it loads by name. Pictures are BGR,
0...255; the sound is 13 cepstral coefficients of 20 frames, 100 a second, as python_speech_features gives them for
samples of 16 bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingDependency(
        f"SyncNet needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["COEFFICIENTS", "PICTURES", "SIDE", "SOUND_FRAMES", "WIDTH", "SyncNet"]

#: Pictures that one window shows, 25 a second, and their side in pixels.
PICTURES, SIDE = 5, 224
#: Frames of sound in one window, 100 a second, and the coefficients of each.
SOUND_FRAMES, COEFFICIENTS = 20, 13
#: Numbers that each tower gives for a window.
WIDTH = 1024
# Windows that are computed together: the first map of pictures takes 4.6 MB for each.
_AT_ONCE = 16


class SyncNet(nn.Module):
    """Both towers, in evaluation mode.

    >>> with torch.device("meta"):                        # shapes alone: nothing is computed
    ...     net = SyncNet()
    ...     heard, seen = net.hear(torch.zeros(2, 1, 13, 20)), net.see(torch.zeros(1, 3, 6, 224, 224))
    >>> tuple(heard.shape), tuple(seen.shape)
    ((2, 1024), (1, 2, 1024))
    """

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_flat(1, 64, (3, 3), (1, 1)), nn.MaxPool2d(1, 1),
            *_flat(64, 192, (3, 3), (1, 1)), nn.MaxPool2d(3, (1, 2)),
            *_flat(192, 384, (3, 3), (1, 1)), *_flat(384, 256, (3, 3), (1, 1)), *_flat(256, 256, (3, 3), (1, 1)),
            nn.MaxPool2d(3, 2),
            *_flat(256, 512, (5, 4), (0, 0)),
        )  # fmt: skip
        self.netfcaud = _dense()
        self.netfclip = _dense()
        self.netcnnlip = nn.Sequential(
            *_deep(3, 96, (PICTURES, 7, 7), 2, 0), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(96, 256, (1, 5, 5), 2, 1), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_deep(256, 256, (1, 3, 3), 1, 1), *_deep(256, 256, (1, 3, 3), 1, 1), *_deep(256, 256, (1, 3, 3), 1, 1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(256, 512, (1, 6, 6), 1, 0),
        )  # fmt: skip
        self.eval().requires_grad_(False)

    def hear(self, sound: Tensor) -> Tensor:
        """[N, 1024] of windows of sound [N, 1, 13, 20]."""
        found: Tensor = self.netfcaud(self.netcnnaud(sound).flatten(1))
        return found

    def see(self, pictures: Tensor) -> Tensor:
        """[N, T - 4, 1024] of every five pictures in a row of [N, 3, T, 224, 224]."""
        maps = self.netcnnlip(pictures)[..., 0, 0].transpose(1, 2)
        found: Tensor = self.netfclip(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        return found

    def hear_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32 [N, 1024] of windows of sound, float32 [N, 20, 13], one row of coefficients for each frame.

        Raises OptionError if they have another shape.
        """
        if windows.ndim != 3 or windows.shape[1:] != (SOUND_FRAMES, COEFFICIENTS):
            raise OptionError(f"windows of sound are [N, 20, 13], not {list(windows.shape)}")
        found = np.zeros((len(windows), WIDTH), np.float32)
        with torch.inference_mode():
            for first in range(0, len(windows), 8 * _AT_ONCE):
                part = np.ascontiguousarray(windows[first : first + 8 * _AT_ONCE].transpose(0, 2, 1))
                found[first : first + len(part)] = self.hear(torch.from_numpy(part)[:, None]).numpy()
        return found

    def see_windows(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """float32 [T - 4, 1024] of every five faces in a row of uint8 [T, 224, 224, 3], RGB; none of fewer than five.

        Raises OptionError if they have another shape.
        """
        if faces.ndim != 4 or faces.shape[1:] != (SIDE, SIDE, 3):
            raise OptionError(f"faces are [T, 224, 224, 3], not {list(faces.shape)}")
        found = np.zeros((max(0, len(faces) - PICTURES + 1), WIDTH), np.float32)
        with torch.inference_mode():
            for first in range(0, len(found), _AT_ONCE):
                stop = min(first + _AT_ONCE, len(found))
                # The public code reads pictures as OpenCV does: blue first.
                part = faces[first : stop + PICTURES - 1, :, :, ::-1].transpose(3, 0, 1, 2).astype(np.float32)
                found[first:stop] = self.see(torch.from_numpy(np.ascontiguousarray(part))[None])[0].numpy()
        return found


def _flat(planes: int, out: int, kernel: tuple[int, int], padding: tuple[int, int]) -> tuple[nn.Module, ...]:
    return nn.Conv2d(planes, out, kernel, padding=padding), nn.BatchNorm2d(out), nn.ReLU()


def _deep(
    planes: int, out: int, kernel: tuple[int, int, int], stride: int, padding: int
) -> tuple[nn.Module, ...]:
    """A convolution that strides and pads within each picture only."""
    convolution = nn.Conv3d(planes, out, kernel, (1, stride, stride), (0, padding, padding))
    return convolution, nn.BatchNorm3d(out), nn.ReLU()


def _dense() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, WIDTH))
