"""``genlock words``: words with their times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genlock.cli.arguments import Files, Force, Json, List, Output
from genlock.cli.commands.other_text import note_other_text, require_said
from genlock.cli.running import Bar, each, hint, say
from genlock.core.errors import OptionError
from genlock.media.opening import is_url
from genlock.speech.subtitles import FORMS
from genlock.tasks.files import expand_files
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.list_words import list_words
from genlock.tasks.result import Result
from genlock.tasks.retime_subtitles import RetimeBy, retime_subtitles
from genlock.tasks.text_beside import require_one_film_of_text, with_text_beside
from genlock.tasks.word_files import PassedOver, are_done, word_files
from genlock.tasks.written import is_ours, note_written, require_free

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
    beside: bool = True,
    names: List = False,
    force: Force = False,
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
            eaf, otio, fcpxml, edl, csv, tsv, txt, labels, json, separated by commas.
        skip_done: With --forms: pass over files whose results are there and no older than they are, so that a stopped
            run goes on.
        beside: NAME.txt, NAME.lab or NAME.srt beside a file NAME is its transcript, unless one is named.
        names: List the recognisers, aligners, profiles and forms that there are, and what each lacks here.
        output: Where to write (default: NAME.srt beside each file); the ending says what: .srt .vtt .ass .ttml
            .TextGrid .ctm .eaf .otio .fcpxml .edl .csv .tsv .txt .labels .json, or a folder for the usual ones.
        json: Print one JSON object instead of text.
    """
    if names:
        print(list_words())
        return
    if forms is None and skip_done:
        raise OptionError(
            "--skip-done needs to know which results to look for; name them with --forms, as srt,vtt"
        )
    if forms is not None and retime is not None:
        raise OptionError("--forms is for words that are found; with --retime say where to write with -o")
    found = expand_files(files)[0]
    require_one_film_of_text(found, options)
    # Whoever says nothing gets subtitles beside each film, where nobody else's lie already.
    unasked = forms is None and output is None and retime is None and not json
    wanted = word_files(found, output, forms or "srt") if unasked or forms is not None else {}
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> Result:
        if retime is not None:
            require_free([where] if where else [], force)
            moved = retime_subtitles(file, retime, options, retime_by, where, bar)
            note_written([where] if where else [])
            return moved
        own = with_text_beside(file, options) if beside else options
        targets = () if unasked and is_url(file) else wanted.get(file, ())
        if skip_done and are_done(file, targets, own.transcript):
            return PassedOver(file, targets)
        if own is not options and own.transcript is not None:
            hint(f"{file}: its text is {own.transcript} (--no-beside recognises what is said)")
        if unasked:
            targets = _free(targets, force)
        else:
            require_free([*targets, *([where] if where else [])], force)
        result = find_words(file, own, where, bar, files=targets)
        note_written(result.written)
        note_other_text(other, file, result.words)
        return result

    each(files, output, json, work, one_file=FORMS)
    require_said(other)


def _free(targets: Sequence[Path], force: bool) -> tuple[Path, ...]:
    """Those that may be written; of the others it is said that they stay."""
    kept = []
    for target in targets:
        if force or not target.exists() or is_ours(target):
            kept.append(target)
        else:
            say(f"{target} stays, for Genlock did not write it: -o names another file, --force replaces it")
    return tuple(kept)
