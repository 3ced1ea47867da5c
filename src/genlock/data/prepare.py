"""``genlock prepare``: a corpus to a dataset, resumable.

The same sources and options give the same bytes, however often it was interrupted and whoever did the work. What a
dataset has stays when more is asked for; what is left out, made again or not made is said and counted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from genlock import __version__
from genlock.core.errors import InputError, OptionError, OutputError
from genlock.core.process_lock import only_process
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.data.corpora import Corpus, CorpusFolder, SourceFile, Trouble, find_corpus
from genlock.data.corpora.folder import VIDEOS
from genlock.data.corpora.listing import printable
from genlock.data.corpora.speech import SOUNDS
from genlock.data.engines import make_engine
from genlock.data.finishing import Finished, finish
from genlock.data.ledger import Item, Ledger, Output, Todo
from genlock.data.one_source import DATA_VERSION, Plan, require_makeable, staging_left
from genlock.data.options import PrepareOptions
from genlock.data.output_spec import Wanted
from genlock.data.plans import DatasetPlan, content_of_weights
from genlock.data.prepare_report import Prepared, keep_report, prepared_of
from genlock.data.settings import Settings, require_the_same_corpus, settings_of_dataset
from genlock.data.splits import parse_shares
from genlock.data.worker import request_of

__all__ = ["PrepareOptions", "Prepared", "dataset_progress", "prepare", "source_of"]

_OWN = ".genlock"


def prepare(
    source: str | Path,
    dataset: str | Path,
    options: PrepareOptions | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Make a dataset, or go on with one.

    Parameters
    ----------
    source : the folder of the corpus
    dataset : the folder of the dataset, new or made by an earlier run

    Raises
    ------
    InputError
        If the source holds nothing that can be used, or another process is at work on the dataset.
    OptionError
        If what is asked for would remove what the dataset has; ``replace`` allows it.
    OutputError
        If the dataset cannot be written; what is done stays, and the same command goes on.
    """
    options = options or PrepareOptions()
    place, folder = Path(dataset), Path(source)
    if options.status:
        return dataset_progress(place)
    before = None if options.replace else _settings_before(place)
    settings = Settings.of(options, before)
    plan, parts, about = _plans(settings)
    require_makeable(settings.outputs)
    engine = make_engine(options.engine, options.workers, options.limit_seconds, options.address)
    corpus, listed = find_corpus(settings.recipe), CorpusFolder(folder)
    items = _items(listed, corpus, settings)
    _require_ours(place)
    with _locked(place), Ledger(_ledger_of(place)) as ledger:
        if before is not None:
            require_the_same_corpus(ledger.paths(), [item.shown for item in items], folder)
        for rest in staging_left(place):
            rest.unlink(missing_ok=True) if rest.is_file() else shutil.rmtree(rest, ignore_errors=True)
        if options.retry:
            ledger.release_quarantine()
        ledger.note("settings", settings.text())
        ledger.note("source", os.fsencode(folder.resolve()).decode("utf-8", "backslashreplace"))
        todo = ledger.plan(items, parts, lambda path: _size(place / path), replace=options.replace)
        asked = {item.name: outputs for item, outputs in todo.items}
        requests = (
            request_of(item, outputs, folder.resolve(), place.resolve(), plan) for item, outputs in todo.items
        )
        total = float(len(items))
        for count, answer in enumerate(engine.run(requests), len(items) - len(todo.items) + 1):
            _note(ledger, answer, {text: parts.outputs[text] for text in asked[answer["name"]]})
            progress("prepare", float(count), total)
        left_out = Counter(one.kind for one in listed.left_out)
        finished = finish(place, ledger, items, settings, about, left_out, progress)
        notes = [*listed.notes, *_notes(todo, finished)]
        keep_report(ledger, finished.copies, listed.left_out, notes)
        return prepared_of(place, ledger)


def dataset_progress(dataset: str | Path) -> Prepared:
    """How far a dataset is; may be asked while another process is at work on it.

    Raises InputError if it is not a dataset.
    """
    place = Path(dataset)
    if not _ledger_of(place).is_file():
        raise InputError(f"{str(dataset)!r} is not a dataset of genlock prepare: it has no ledger")
    with Ledger(_ledger_of(place)) as ledger:
        return prepared_of(place, ledger)


def source_of(dataset: str | Path) -> str | None:
    """The folder of the corpus that a dataset was last made from; None if it is not known here."""
    place = Path(dataset)
    if not _ledger_of(place).is_file():
        return None
    with Ledger(_ledger_of(place)) as ledger:
        return ledger.fact("source")


def _ledger_of(place: Path) -> Path:
    return place / _OWN / "ledger.sqlite"


def _settings_before(place: Path) -> Settings | None:
    """What a dataset was made with; None if there is none, or nothing of it is made."""
    if not _ledger_of(place).is_file():
        return None
    with Ledger(_ledger_of(place)) as ledger:
        return settings_of_dataset(ledger, place)


def _plans(settings: Settings) -> tuple[Plan, DatasetPlan, str]:
    """What workers are told, what decides about each output, and both for whoever reads the dataset."""
    plan = Plan(
        outputs=",".join(settings.outputs), clip_seconds=settings.clip_seconds, keep_tails=settings.keep_tails
    )
    weights = {
        text: content_of_weights(file)
        for text in settings.outputs
        if (file := Wanted.parse(text).weights) is not None
    }
    parts = DatasetPlan.of(
        clip_seconds=settings.clip_seconds,
        keep_tails=settings.keep_tails,
        outputs=settings.outputs,
        versions={"data_version": DATA_VERSION, "genlock": __version__},
        weights=weights,
    )
    about = {**json.loads(plan.text), "weights_sha256": weights}
    return plan, parts, json.dumps(about, sort_keys=True)


def _items(listed: CorpusFolder, corpus: Corpus, settings: Settings) -> list[Item]:
    """Every source with what is known of it, in the order of their names."""
    shares = parse_shares(settings.split)
    sources = corpus.sources(listed)
    listed.not_taken([source.path for source in sources], VIDEOS | SOUNDS, corpus.name)
    speakers = {source.speaker for source in sources if source.speaker}
    by_speaker = settings.group == "speaker" or (settings.group == "auto" and len(speakers) >= len(shares))
    if settings.group == "speaker" and not speakers:
        raise OptionError(f"--group speaker: the corpus {str(listed.path)!r} does not say who speaks")
    return sorted(
        (_item(source, listed.path, by_speaker=by_speaker) for source in sources), key=lambda item: item.name
    )


def _item(source: SourceFile, folder: Path, *, by_speaker: bool) -> Item:
    group = source.speaker if by_speaker and source.speaker else source.group or source.path
    facts = {
        "group": printable(group),
        "splits": source.splits,
        "speaker": printable(source.speaker),
        "label": printable(source.label),
        "transcript": None if source.transcript is None else printable(source.transcript),
        "words": [dict(word) for word in source.words],
        "events": [dict(event) for event in source.events],
        "cuts": [str(exact(cut)) for cut in source.cuts],
    }
    size, modified, trouble = 0, 0, source.trouble
    try:
        state = (folder / source.path).stat()
        size, modified = state.st_size, state.st_mtime_ns
    except OSError as error:
        trouble = _unreachable(folder / source.path, error)
    return Item(_name(source), source.path, size, modified, facts, trouble)


def _unreachable(path: Path, error: OSError) -> Trouble:
    if path.is_symlink():
        return Trouble("broken link", printable(f"leads to {os.readlink(path)!r}: {error.strerror}"))
    return Trouble("cannot be looked at", error.strerror or str(error))


def _name(source: SourceFile) -> str:
    """Two files of one stem in different folders have different names."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", Path(source.path).stem)[:80]
    digest = hashlib.sha256(source.path.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{stem}-{digest[:8]}"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _note(ledger: Ledger, answer: Mapping[str, Any], outputs: Mapping[str, str]) -> None:
    """Keep what a worker answered about these outputs of an item."""
    if answer["status"] == "stop":
        raise OutputError(
            f"{answer['reason']}; what is done stays: repair that and give the same command again"
        )
    if answer["status"] == "quarantined":
        reason = printable(answer["reason"])
        ledger.quarantine(answer["name"], reason, failed=outputs, work_seconds=answer["work_seconds"])
        return
    ledger.done(
        answer["name"],
        content=answer["content"],
        outputs=[Output(**output) for output in answer["outputs"]],
        clips=answer["clips"],
        made=outputs,
        work_seconds=answer["work_seconds"],
        media_seconds=answer["media_seconds"],
    )


def _notes(todo: Todo, finished: Finished) -> list[str]:
    """What happened to what the dataset had."""
    notes = []
    if todo.again:
        notes.append(
            f"made again {todo.again}: sources that had changed, or whose files or plan were not as they had been"
        )
    if todo.gone:
        names = ", ".join(repr(path) for path in todo.gone[:3])
        notes.append(
            f"gone {len(todo.gone)}: sources that are no longer there left the dataset with their clips: {names}"
            f"{', ...' if len(todo.gone) > 3 else ''}"
        )
    if finished.moved:
        notes.append(f"moved {finished.moved}: sources that are in another split than before")
    return notes


def _require_ours(place: Path) -> None:
    """Somebody's own folder is not taken for a dataset."""
    if place.exists() and not place.is_dir():
        raise OutputError(
            f"cannot write the dataset {str(place)!r}: a file has that name; choose another with -o"
        )
    if place.is_dir() and any(place.iterdir()) and not (place / _OWN).is_dir():
        raise OutputError(
            f"the folder {str(place)!r} exists and is not a dataset of genlock prepare; choose another with -o"
        )


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """One process at a time."""
    with ExitStack() as stack:
        try:
            (place / _OWN).mkdir(parents=True, exist_ok=True)
            alone = stack.enter_context(only_process(place / _OWN / "lock"))
        except OSError as error:
            raise OutputError(f"the dataset {str(place)!r} cannot be written: {error.strerror}") from error
        if not alone:
            raise InputError(
                f"another process is at work on the dataset {str(place)!r}; wait for it (--status shows how far it is)"
            )
        yield
