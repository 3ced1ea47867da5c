"""OpenCV, which the extra ``faces`` installs: it is imported when it is first used, and missed in words.

::

    from genlock.drawing.opencv import cv2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock.core.optional import optional_module

if TYPE_CHECKING:
    import cv2
else:
    cv2 = optional_module("cv2")

__all__ = ["cv2"]
