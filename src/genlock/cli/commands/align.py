"""``genlock align``: the main job."""

from __future__ import annotations

import os

from genlock.cli.arguments import Files, Json, Output
from genlock.cli.commands.other_text import note_other_text, require_said
from genlock.cli.running import Bar, each, hint
from genlock.tasks.align_video import AlignOptions, align_video, alignment_is_done
from genlock.tasks.alignment_index import AlignmentIndex
from genlock.tasks.files import expand_files, result_folder
from genlock.tasks.result import Result
from genlock.tasks.text_beside import require_one_film_of_text, with_text_beside
from genlock.tasks.word_files import PassedOver

__all__ = ["align"]

_ALIGN = AlignOptions()


def align(
    files: Files,
    /,
    options: AlignOptions = _ALIGN,
    beside: bool = True,
    redo: bool = False,
    output: Output = None,
    json: Json = False,
) -> None:
    """The main job: probe, features on the video's frames, words, and a report to look at.

    Args:
        files: Videos, sounds or folders of them. Of several, those that are done already are passed over, and
            index.html and summary.csv tell of all, in the folder of -o, else in the one that holds all of them.
        beside: NAME.txt, NAME.lab or NAME.srt beside a file NAME is its transcript, unless one is named.
        redo: Do those too that are done already.
        output: Folder for the results (default: VIDEO.genlock beside each video).
        json: Print one JSON object instead of text.
    """
    other: list[str] = []
    found, many = expand_files(files)
    require_one_film_of_text(found, options)
    folders = [name for name in files if os.path.isdir(name)]
    index = AlignmentIndex.of_files([*folders, *found], output) if many else None

    def work(file: str, where: str | None, bar: Bar) -> Result:
        own = with_text_beside(file, options) if beside else options
        folder = result_folder(file, where)
        if many and not redo and alignment_is_done(file, own, folder):
            result: Result = PassedOver(file, (folder / "report.html",))
        else:
            if own is not options and own.transcript is not None:
                hint(f"{file}: its text is {own.transcript} (--no-beside recognises what is said)")
            made = align_video(file, own, where, bar)
            note_other_text(other, file, made.words)
            result = made
        if index is not None:
            index.add(file, folder)
        return result

    def failed(file: str, error: str) -> None:
        if index is not None:
            index.add_failure(file, error)

    try:
        each(files, output, json, work, beforehand=None if index is None else index.where, failed=failed)
    finally:
        told = None if index is None else index.write()
        if told is not None and not json:
            print(told)
    require_said(other)
