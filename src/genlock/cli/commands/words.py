"""``genlock words``: words with their times."""

from __future__ import annotations

from genlock.cli.arguments import Files, Json, Output
from genlock.cli.commands.other_text import note_other_text, require_said
from genlock.cli.running import Bar, each
from genlock.speech.subtitles import FORMS
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.result import Result
from genlock.tasks.retime_subtitles import RetimeBy, retime_subtitles

__all__ = ["words"]

_WORDS = WordOptions()


def words(
    files: Files,
    /,
    options: WordOptions = _WORDS,
    retime: str | None = None,
    retime_by: RetimeBy = "speech",
    output: Output = None,
    json: Json = False,
) -> None:
    """Words with their times: recognised, or a transcript of yours put on the clock.

    Args:
        files: Videos, sounds or folders of them.
        retime: Subtitles of another cut, in whatever language: moved to where somebody speaks in this film, at another
            speed and in pieces if need be. No words are looked for.
        retime_by: With --retime: by when somebody speaks, or also by words that subtitles and film have in common.
        output: Where to write; the ending says what: .srt .vtt .ass .ttml .TextGrid .ctm .eaf .otio .tsv .txt .labels
            .json, or a folder for the usual ones.
        json: Print one JSON object instead of text.
    """
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> Result:
        if retime is not None:
            return retime_subtitles(file, retime, options, retime_by, where, bar)
        result = find_words(file, options, where, bar)
        note_other_text(other, file, result.words)
        return result

    each(files, output, json, work, one_file=FORMS)
    require_said(other)
