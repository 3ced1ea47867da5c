"""Checks for those who extend Genlock."""

from genlock.testing.example import example_video
from genlock.testing.feature_check import check_feature

__all__ = ["check_feature", "example_video"]
