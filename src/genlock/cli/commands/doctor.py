"""``genlock doctor``: what works on this machine."""

from __future__ import annotations

from genlock.cli.arguments import Json
from genlock.cli.running import show
from genlock.core.errors import GenlockError
from genlock.tasks.diagnosis import diagnose

__all__ = ["doctor"]

# Without these the main job is not done whole.
_MAIN = ("recognised words (words, align)", "sync by lips, features of faces")


class _NotWhole(GenlockError):
    exit_status = 1


def doctor(json: Json = False) -> None:
    """What is installed, which models are here, and what would not work here and why.

    Args:
        json: Print one JSON object instead of text.
    """
    found = diagnose()
    show(found, json)
    lacking = [finding.what for finding in found.findings if finding.missing and finding.what in _MAIN]
    if lacking:
        raise _NotWhole(f"align would not be whole here: {'; '.join(lacking)}")
