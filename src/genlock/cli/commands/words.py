"""``genlock words``: words with their times."""

from __future__ import annotations

from genlock.cli.arguments import Files, Json, Output
from genlock.cli.commands.other_text import note_other_text, require_said
from genlock.cli.running import Bar, each
from genlock.core.errors import OptionError
from genlock.speech.subtitles import FORMS
from genlock.tasks.files import expand_files
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.result import Result
from genlock.tasks.retime_subtitles import RetimeBy, retime_subtitles
from genlock.tasks.word_files import PassedOver, are_done, word_files

__all__ = ["words"]

_WORDS = WordOptions()


def words(
    files: Files,
    /,
    options: WordOptions = _WORDS,
    retime: str | None = None,
    retime_by: RetimeBy = "speech",
    forms: str | None = None,
    skip_done: bool = False,
    output: Output = None,
    json: Json = False,
) -> None:
    """Words with their times: recognised, or a transcript of yours put on the clock.

    Args:
        files: Videos, sounds or folders of them.
        retime: Subtitles of another cut, in whatever language: moved to where somebody speaks in this film, at another
            speed and in pieces if need be. No words are looked for.
        retime_by: With --retime: by when somebody speaks, or also by words that subtitles and film have in common.
        forms: Write NAME.srt and so on beside each file, or into the folder of -o: srt, vtt, ass, ttml, TextGrid, ctm,
            eaf, otio, tsv, txt, labels, json, separated by commas.
        skip_done: With --forms: pass over files whose results are there and no older than they are, so that a stopped
            run goes on.
        output: Where to write; the ending says what: .srt .vtt .ass .ttml .TextGrid .ctm .eaf .otio .tsv .txt .labels
            .json, or a folder for the usual ones.
        json: Print one JSON object instead of text.
    """
    if forms is None and skip_done:
        raise OptionError(
            "--skip-done needs to know which results to look for; name them with --forms, as srt,vtt"
        )
    if forms is not None and retime is not None:
        raise OptionError("--forms is for words that are found; with --retime say where to write with -o")
    wanted = None if forms is None else word_files(expand_files(files)[0], output, forms)
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> Result:
        if retime is not None:
            return retime_subtitles(file, retime, options, retime_by, where, bar)
        targets = () if wanted is None else wanted[file]
        if skip_done and are_done(file, targets, options.transcript):
            return PassedOver(file, targets)
        result = find_words(file, options, where, bar, files=targets)
        note_other_text(other, file, result.words)
        return result

    each(files, output, json, work, one_file=FORMS)
    require_said(other)
