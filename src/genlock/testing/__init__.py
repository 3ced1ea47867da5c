"""Checks for those who extend Genlock."""

from genlock.testing.extractors import check_extractor

from genlock.testing.example import example_video

__all__ = ["example_video", "check_extractor"]
