"""Checks for those who extend Genlock."""

from genlock.testing.example import example_video
from genlock.testing.extractor_check import check_extractor

__all__ = ["check_extractor", "example_video"]
