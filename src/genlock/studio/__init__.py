"""The studio: a local web page to see, hear and correct alignment. It calls tasks and knows no algorithm."""

from genlock.studio.launch import run_studio
from genlock.studio.options import StudioOptions

__all__ = ["StudioOptions", "run_studio"]
