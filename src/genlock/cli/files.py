"""Commands on files: probe, features, words, sync, align, animate, sound, prepare, export, demo."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import tyro

from genlock import tasks
from genlock.cli.arguments import Files, Json, Output
from genlock.cli.running import Bar, each, say, show
from genlock.core.errors import GenlockError, InputError, OptionError
from genlock.core.json_forms import dump_json
from genlock.media.live_source import LiveSource
from genlock.speech import Words
from genlock.speech.subtitles import FORMS

__all__ = ["align", "animate", "demo", "export", "features", "prepare", "probe", "sound", "sync", "words"]

_FEATURES, _WORDS, _ALIGN = tasks.FeatureOptions(), tasks.WordOptions(), tasks.AlignOptions()
_SYNC, _PREPARE, _EXPORT = tasks.SyncOptions(), tasks.PrepareOptions(), tasks.ExportOptions()
_LIVE = tasks.LiveOptions()
_ANIMATE, _SOUND = tasks.AnimateOptions(), tasks.SoundOptions()


def probe(files: Files, /, json: Json = False) -> None:
    """What is in a file, exactly: rates, starts, durations, timecode, how far sound and picture start apart.

    Args:
        files: Videos, sounds or folders of them.
        json: Print one JSON object instead of text.
    """
    each(files, None, json, lambda file, where, bar: tasks.probe_file(file))


def features(
    files: Files, /, options: tasks.FeatureOptions = _FEATURES, output: Output = None, json: Json = False
) -> None:
    """Features of sound and of faces with exact times, on their own grid or on the video's frames.

    Args:
        files: Videos, sounds or folders of them.
        output: Folder for the tracks (default: FILE.genlock beside each file).
        json: Print one JSON object instead of text.
    """
    each(files, output, json, lambda file, where, bar: tasks.extract_features(file, options, where, bar))


def words(
    files: Files, /, options: tasks.WordOptions = _WORDS, output: Output = None, json: Json = False
) -> None:
    """Words with their times: recognised, or a transcript of yours put on the clock.

    Args:
        files: Videos, sounds or folders of them.
        output: Where to write; the ending says what: .srt .vtt .ass .ttml .TextGrid .ctm .eaf .otio .tsv .txt .labels
            .json, or a folder for the usual ones.
        json: Print one JSON object instead of text.
    """
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> tasks.Result:
        result = tasks.find_words(file, options, where, bar)
        _note_other_text(other, file, result.words)
        return result

    each(files, output, json, work, one_file=FORMS)
    _require_said(other)


def _note_other_text(other: list[str], file: str, words: Words) -> None:
    """Keep what is to be said at the end of a file whose text is not what is said."""
    if words.check is not None and not words.check.enough:
        other.append(f"{file}: {words.check}")


def _require_said(other: Sequence[str]) -> None:
    """End with status 3 if a text was not what is said."""
    if other:
        raise _OtherText("\n".join(other))


def sync(
    files: Files,
    /,
    options: tasks.SyncOptions = _SYNC,
    check: bool = False,
    live: bool = False,
    watch: tasks.LiveOptions = _LIVE,
    json: Json = False,
) -> None:
    """Is the sound in step with the picture? By how much not, what the standards say, and a repaired copy.

    Args:
        files: Videos or folders of them; several give a table.
        check: For scripts: exit status 0 if every file is in step by EBU R37, 1 if one is not, 3 if one cannot be told.
        live: Watch one source while it comes: - (standard input), a file that grows, or a URL; a line of JSON a window.
        json: Print one JSON object instead of text.
    """
    if live:
        _sync_live(files, options, watch, check)
        return
    refused: list[str] = []
    answers: dict[str, bool | None] = {}
    found, many = tasks.expand_files(files) if files else ([], False)
    own = tasks.sync_options_of_each(found, options, many)

    def work(file: str, where: str | None, bar: Bar) -> tasks.Result:
        refusal = tasks.repair_refusal(file, own[file])
        if refusal is not None:
            say(f"{file} will be measured, but not repaired: {refusal.reason}")
        result = tasks.sync_video(file, own[file], bar)
        answers[file] = result.in_step
        if result.repair is not None and result.repair.status in ("refused", "failed"):
            refused.append(f"{file}: {result.repair.reason}")
        return tasks.SyncRow(file, result) if many and not json else result

    if many and not json:
        print(tasks.SyncRow.HEAD)
    each(files, None, json, work, numbered=False)
    if refused:
        raise InputError("not repaired:\n  " + "\n  ".join(refused))
    if check:
        _require_in_step(answers)


def _sync_live(
    files: Sequence[str], options: tasks.SyncOptions, watch: tasks.LiveOptions, check: bool
) -> None:
    """One line a window on standard output, flushed; what is for people goes to standard error."""
    if len(files) != 1:
        raise InputError("--live watches one source: - (standard input), a file that grows, or a URL")
    plain = replace(tasks.SyncOptions(), reading=options.reading, estimators=options.estimators)
    if replace(options, least_probability=plain.least_probability) != plain:
        raise OptionError("--live only measures: of sync's options it takes --estimators and the streams")
    with LiveSource(files[0], watch.idle) as source, _stopped_by_signals(source):
        result = tasks.sync_live(
            source,
            lambda line: print(dump_json({"genlock_schema": 1, **line.to_dict()}), flush=True),
            watch,
            options.reading,
            options.estimators,
        )
    say(str(result))
    if check or watch.alarm is not None:
        _require_in_step({files[0]: result.in_step})


@contextmanager
def _stopped_by_signals(source: LiveSource) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the source in order, so that what is known is told; the second ends at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if source.stopped:
            raise KeyboardInterrupt
        source.stop()

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM) if main}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _OutOfStep(GenlockError):
    exit_status = 1


class _CannotTell(GenlockError):
    exit_status = 3


class _OtherText(GenlockError):
    exit_status = 3


def _require_in_step(answers: Mapping[str, bool | None]) -> None:
    """What ``--check`` says by its exit status; on standard error, which files it is about."""
    for answer, kind, said in ((False, _OutOfStep, "out of step"), (None, _CannotTell, "cannot be told")):
        files = [file for file, found in answers.items() if found is answer]
        if files:
            raise kind(f"{said}: {', '.join(files)}")


def align(
    files: Files, /, options: tasks.AlignOptions = _ALIGN, output: Output = None, json: Json = False
) -> None:
    """The main job: probe, features on the video's frames, words, and a report to look at.

    Args:
        files: Videos, sounds or folders of them.
        output: Folder for the results (default: VIDEO.genlock beside each video).
        json: Print one JSON object instead of text.
    """
    other: list[str] = []

    def work(file: str, where: str | None, bar: Bar) -> tasks.Result:
        result = tasks.align_video(file, options, where, bar)
        _note_other_text(other, file, result.words)
        return result

    each(files, output, json, work)
    _require_said(other)


def animate(
    files: Files, /, options: tasks.AnimateOptions = _ANIMATE, output: Output = None, json: Json = False
) -> None:
    """A face that moves with a voice: a film of it, or its motion for other programs.

    Args:
        files: Sounds, videos with sound or folders of them; - is standard input, whose frames come as lines of JSON.
        output: A film (.mp4 .mov .mkv), a file of motion (.json .npz .csv .tsv .dat), or a folder.
        json: Print one JSON object instead of text.
    """
    if list(files) == ["-"] and output is None:
        result = tasks.animate_sound("-", options, lines=lambda line: print(line, flush=True))
        say(str(result))
        return
    each(
        files,
        output,
        json,
        lambda file, where, bar: tasks.animate_sound(file, options, where, bar),
        one_file=tasks.ANIMATE_ENDINGS,
    )


def sound(
    files: Files, /, options: tasks.SoundOptions = _SOUND, output: Output = None, json: Json = False
) -> None:
    """Sound for a silent film, in step with its picture: your own one-shots, a sound of yours, or a model's.

    Args:
        files: Films or folders of them.
        output: A film, whose picture is copied, a .wav, or a folder (default: FILM.sound.mp4 beside each film).
        json: Print one JSON object instead of text.
    """
    if files:
        tasks.require_one_film(tasks.expand_files(files)[0], options)
    each(
        files,
        output,
        json,
        lambda file, where, bar: tasks.sound_video(file, options, where, bar),
        one_file=tasks.SOUND_ENDINGS,
    )


def prepare(
    source: tyro.conf.Positional[str],
    /,
    options: tasks.PrepareOptions = _PREPARE,
    output: Output = None,
    json: Json = False,
) -> None:
    """From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.

    Args:
        source: The folder of the corpus (with --status: of the dataset).
        output: Folder of the dataset (default: SOURCE.dataset beside it).
        json: Print one JSON object instead of text.
    """
    dataset = output or (source if options.status else tasks.folder_beside(source, "dataset"))
    with Bar("") as bar:
        result = tasks.prepare_dataset(source, dataset, options, bar)
    show(result, json)
    if not options.status:
        tasks.require_clips(result)


def export(
    dataset: tyro.conf.Positional[str],
    /,
    options: tasks.ExportOptions = _EXPORT,
    output: Output = None,
    json: Json = False,
) -> None:
    """A prepared dataset for other tools: genlock export DATASET --to webdataset -o FOLDER.

    Args:
        dataset: Folder that genlock prepare made.
        output: Folder of the export (default: DATASET.FORM beside it).
        json: Print one JSON object instead of text.
    """
    with Bar("") as bar:
        result = tasks.export_dataset(
            dataset, output or tasks.folder_beside(dataset, options.to), options, bar
        )
    show(result, json)


def demo(output: Output = None, json: Json = False) -> None:
    """Make a short talking test card and align it.

    Args:
        output: Folder to make it in (default: genlock-demo here).
        json: Print one JSON object instead of text.
    """
    folder = output or "genlock-demo"
    each([folder], None, json, lambda folder, where, bar: tasks.run_demo(folder, bar), expand=False)
