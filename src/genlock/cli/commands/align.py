"""``genlock align``: the main job."""

from __future__ import annotations

from genlock.cli.arguments import Files, Json, Output
from genlock.cli.commands.other_text import note_other_text, require_said
from genlock.cli.running import Bar, each
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.result import Result

__all__ = ["align"]

_ALIGN = AlignOptions()


def align(files: Files, /, options: AlignOptions = _ALIGN, output: Output = None, json: Json = False) -> None:
    """The main job: probe, features on the video's frames, words, and a report to look at.

    Args:
        files: Videos, sounds or folders of them.
        output: Folder for the results (default: VIDEO.genlock beside each video).
        json: Print one JSON object instead of text.
    """
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> Result:
        result = align_video(file, options, where, bar)
        note_other_text(other, file, result.words)
        return result

    each(files, output, json, work)
    require_said(other)
