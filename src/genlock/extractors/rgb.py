"""What TSN and RegNet see in a frame: BN-Inception's 1024 numbers, with their preprocessing.

Frames are scaled to 340 x 256, the middle 224 x 224 is cut out, blue, green and red stay in this order and in
0...255, and the means of the training set are taken off (Wang et al. 2016, and RegNet's own code).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingModel

__all__ = ["CROP", "FRAME_SIZE", "center_crop", "tsn_features"]

#: Width and height to which frames are scaled.
FRAME_SIZE = (340, 256)
#: Side of the square that the network sees.
CROP = 224


def center_crop(frames: npt.NDArray[np.uint8], side: int = CROP) -> npt.NDArray[np.uint8]:
    """The middle of frames [N, H, W, C], [N, side, side, C].

    >>> center_crop(np.zeros((2, 256, 340, 3), np.uint8)).shape
    (2, 224, 224, 3)
    """
    top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
    return frames[:, top : top + side, left : left + side]


def tsn_features(weights: str | None) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """A function of frames, BGR uint8 [N, 256, 340, 3], to features float32 [N, 1024].

    Raises MissingModel if no weights are named or they are not here, MissingDependency without torch.
    """
    if weights is None:
        raise MissingModel(
            "the feature rgb needs the weights of TSN's or RegNet's BN-Inception: name the file with --weights"
        )
    # torch is an optional package: only who asks for this feature waits for it.
    import torch

    from genlock.models.bninception import BGR_MEANS, load_bninception

    net = load_bninception(weights)
    means = torch.tensor(BGR_MEANS)[:, None, None]

    def features(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        pictures = torch.from_numpy(center_crop(frames).transpose(0, 3, 1, 2).astype(np.float32)) - means
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = net(pictures).numpy()
        return found

    return features
