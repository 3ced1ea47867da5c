"""``genlock sync``: is the sound in step with the picture?"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from genlock.cli.arguments import Files, Force, Json
from genlock.cli.running import Bar, each, say
from genlock.core.errors import GenlockError, InputError, OptionError, OutputError
from genlock.core.json_forms import dump_json
from genlock.lipsync.repair import repair_target
from genlock.media.live_source import LiveSource
from genlock.tasks.files import expand_files
from genlock.tasks.result import Result
from genlock.tasks.sync_live import LiveOptions, sync_live
from genlock.tasks.sync_video import (
    SyncOptions,
    SyncRow,
    WithVerdicts,
    repair_refusal,
    sync_options_of_each,
    sync_video,
)
from genlock.tasks.written import note_written, require_free

__all__ = ["sync"]

_SYNC, _LIVE = SyncOptions(), LiveOptions()


def sync(
    files: Files,
    /,
    options: SyncOptions = _SYNC,
    verdicts: bool = False,
    check: bool = False,
    live: bool = False,
    force: Force = False,
    watch: LiveOptions = _LIVE,
    json: Json = False,
) -> None:
    """Is the sound in step with the picture? By how much not, what viewers notice of it, and a repaired copy.

    Args:
        files: Videos or folders of them; several give a table.
        verdicts: Say what each standard says of it: EBU R37, ITU-R BT.1359, ATSC, film editing.
        check: For scripts: exit status 0 if every file is in step by EBU R37, 1 if one is not, 3 if one cannot be told.
        live: Watch one source while it comes: - (standard input), a file that grows, or a URL; a line of JSON a window.
        json: Print one JSON object instead of text.
    """
    if live:
        _sync_live(files, options, watch, check)
        return
    refused: list[str] = []
    answers: dict[str, bool | None] = {}
    found, many = expand_files(files) if files else ([], False)
    own = sync_options_of_each(found, options, many)

    def work(file: str, where: str | None, bar: Bar) -> Result:
        mine = own[file]
        refusal = repair_refusal(file, mine)
        if refusal is not None and not many:
            raise OutputError(refusal.reason)
        target = [] if mine.fix is None else [repair_target(file, mine.fix)]
        asked = [name for name in (mine.plot, mine.markers) if name is not None]
        require_free([*target, *asked], force)
        if refusal is not None:
            say(f"{file} will be measured, but not repaired: {refusal.reason}")
        result = sync_video(file, mine, bar)
        done = [each.repair.path for each in (result, *result.sounds) if each.repair and each.repair.path]
        note_written([*done, *asked])
        answers[file] = result.in_step
        for number, sound in enumerate(result.sounds or (result,)):
            if sound.repair is not None and sound.repair.status in ("refused", "failed"):
                which = f", sound {number}" if result.sounds else ""
                refused.append(f"{file}{which}: {sound.repair.reason}")
        shown = SyncRow(file, result) if many and not json else result
        return WithVerdicts(shown) if verdicts else shown

    each(files, None, json, work, numbered=False, head=SyncRow.HEAD)
    if refused and not many and len(refused) == 1:
        raise InputError(f"{files[0]} was not repaired, and nothing was written")
    if refused:
        raise InputError("not repaired:\n  " + "\n  ".join(refused))
    if check:
        _require_in_step(answers)


def _sync_live(files: Sequence[str], options: SyncOptions, watch: LiveOptions, check: bool) -> None:
    """One line a window on standard output, flushed; what is for people goes to standard error."""
    if len(files) != 1:
        raise InputError("--live watches one source: - (standard input), a file that grows, or a URL")
    plain = replace(SyncOptions(), reading=options.reading, estimators=options.estimators)
    if replace(options, least_probability=plain.least_probability) != plain:
        raise OptionError("--live only measures: of sync's options it takes --estimators and the streams")
    with LiveSource(files[0], watch.idle) as source, _stopped_by_signals(source):
        result = sync_live(
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


def _require_in_step(answers: Mapping[str, bool | None]) -> None:
    """What ``--check`` says by its exit status; on standard error, which files it is about."""
    for answer, kind, said in (
        (False, _OutOfStep, "out of step by EBU R37 at emission"),
        (None, _CannotTell, "too unsure to say whether EBU R37 at emission is kept"),
    ):
        files = [file for file, found in answers.items() if found is answer]
        if files:
            raise kind(f"{said}: {', '.join(files)}")
