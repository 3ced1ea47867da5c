"""``genlock prepare``: a corpus to a dataset, resumable.

The same sources and options give the same bytes, however often it was interrupted and whoever did the work.
"""

from __future__ import annotations

import fcntl
import hashlib
import heapq
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError, OptionError, OutputError
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress as Told
from genlock.core.progress import silent
from genlock.data.corpora import Corpus, Source, find_corpus
from genlock.data.engines import make_engine
from genlock.data.index import read_index, row_of_clip, row_of_failure, write_index
from genlock.data.labels import label_rows, parse_labels
from genlock.data.ledger import Item, Ledger, Output, Progress
from genlock.data.one_source import Plan, staging_left
from genlock.data.options import PrepareOptions
from genlock.data.output_spec import Wanted, parse_outputs
from genlock.data.splits import parse_shares, split_of
from genlock.data.worker import request_of

__all__ = ["PrepareOptions", "Prepared", "dataset_progress", "prepare"]

_OWN = ".genlock"


@dataclass(frozen=True)
class Prepared:
    """A dataset and how far it is."""

    dataset: Path
    """Its folder."""
    progress: Progress
    """Counts, reasons, rate."""
    clips: int
    """Clips that are done."""
    quarantined: tuple[tuple[str, str], ...]
    """(source, reason) of what could not be used."""

    def to_dict(self) -> dict[str, Any]:
        """``dataset``, ``clips``, ``progress``, ``quarantined[]``."""
        return {
            "dataset": str(self.dataset),
            "clips": self.clips,
            "progress": self.progress.to_dict(),
            "quarantined": [{"source": source, "reason": reason} for source, reason in self.quarantined],
        }

    def __str__(self) -> str:
        lines = [f"{self.dataset}: {self.clips} clips", str(self.progress)]
        return "\n".join([*lines, *(f"- {source}: {reason}" for source, reason in self.quarantined[:20])])


def prepare(
    source: str | Path, dataset: str | Path, options: PrepareOptions | None = None, told: Told = silent
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
    OutputError
        If the dataset cannot be written; what is done stays, and the same command goes on.
    """
    options = options or PrepareOptions()
    place, folder = Path(dataset), Path(source)
    if options.status:
        return dataset_progress(place)
    if not folder.is_dir():
        raise InputError(f"{str(source)!r} is not a folder; name the folder of the corpus")
    corpus = find_corpus(options.recipe)
    plan = _plan(corpus, options)
    engine = make_engine(options.engine, options.workers, options.limit_seconds, options.address)
    items = _items(folder, corpus, options)
    _require_ours(place)
    with _locked(place), Ledger(place / _OWN / "ledger.sqlite") as ledger:
        for rest in staging_left(place):
            shutil.rmtree(rest, ignore_errors=True)
        if options.retry:
            ledger.release_quarantine()
        todo = ledger.plan(items, plan.text, lambda path: _size(place / path))
        requests = (
            request_of(replace(item, facts={}), folder.resolve(), place.resolve(), plan) for item in todo
        )
        total = float(len(items))
        for count, answer in enumerate(engine.run(requests), len(items) - len(todo) + 1):
            _note(ledger, answer)
            told("prepare", float(count), total)
        _finish(place, ledger, {item.name: item for item in items}, plan, options, told)
        return _summary(place, ledger)


def dataset_progress(dataset: str | Path) -> Prepared:
    """How far a dataset is; may be asked while another process is at work on it.

    Raises InputError if it is not a dataset.
    """
    place = Path(dataset)
    if not (place / _OWN / "ledger.sqlite").is_file():
        raise InputError(f"{str(dataset)!r} is not a dataset of genlock prepare: it has no ledger")
    with Ledger(place / _OWN / "ledger.sqlite") as ledger:
        return _summary(place, ledger)


def _summary(place: Path, ledger: Ledger) -> Prepared:
    failed = tuple((path, reason) for _, path, reason in ledger.quarantined())
    return Prepared(place, ledger.progress(), ledger.clip_count(), failed)


def _plan(corpus: Corpus, options: PrepareOptions) -> Plan:
    length = options.clip_seconds if options.clip_seconds is not None else corpus.clip_seconds
    outputs = options.outputs or corpus.outputs
    for spec in parse_labels(options.labels):
        there = parse_outputs(outputs)
        if not any(Wanted.parse(spec.feature).kind in (one.kind, one.name) for one in there):
            outputs = f"{outputs},{spec.feature}"
    return Plan(
        outputs=outputs,
        clip_seconds=None if length in (None, "whole") else length,
        keep_tails=options.keep_tails,
        weights=options.weights,
        model=options.model,
        flow_weights=options.flow_weights,
    )


def _items(folder: Path, corpus: Corpus, options: PrepareOptions) -> list[Item]:
    """Every source with what is known of it, in the order of their names."""
    shares = parse_shares(options.split)
    sources = corpus.sources(folder)
    speakers = {source.speaker for source in sources if source.speaker}
    by_speaker = options.group == "speaker" or (options.group == "auto" and len(speakers) >= len(shares))
    if options.group == "speaker" and not speakers:
        raise OptionError(f"--group speaker: the corpus {str(folder)!r} does not say who speaks")
    items = []
    for source in sources:
        state = (folder / source.path).stat()
        group = source.speaker if by_speaker and source.speaker else source.group or source.path
        facts = {
            "group": group,
            "split": split_of(group, shares, options.seed, source.splits),
            "speaker": source.speaker,
            "label": source.label,
            "transcript": source.transcript,
            "words": [dict(word) for word in source.words],
            "events": [dict(event) for event in source.events],
        }
        items.append(Item(_name(source), source.path, state.st_size, state.st_mtime_ns, facts))
    return sorted(items, key=lambda item: item.name)


def _name(source: Source) -> str:
    """Two files of one stem in different folders have different names."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", Path(source.path).stem)[:80]
    digest = hashlib.sha256(source.path.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{stem}-{digest[:8]}"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _note(ledger: Ledger, answer: Mapping[str, Any]) -> None:
    """Keep what a worker answered."""
    if answer["status"] == "stop":
        raise OutputError(
            f"{answer['reason']}; what is done stays: repair that and give the same command again"
        )
    if answer["status"] == "quarantined":
        ledger.quarantine(answer["name"], answer["reason"], answer["work_seconds"])
        return
    ledger.done(
        answer["name"],
        content=answer["content"],
        outputs=[Output(**output) for output in answer["outputs"]],
        clips=answer["clips"],
        work_seconds=answer["work_seconds"],
        media_seconds=answer["media_seconds"],
    )


def _finish(
    place: Path, ledger: Ledger, items: Mapping[str, Item], plan: Plan, options: PrepareOptions, told: Told
) -> None:
    """Write the index and what describes the dataset; remove what belongs to nothing any more."""
    done = (
        row_of_clip(clip, source=path, content=content, facts=items[name].facts)
        for name, path, content, clips in ledger.finished()
        for clip in clips
    )
    failed = ledger.quarantined()
    lost = (row_of_failure(name, path, reason, items[name].facts) for name, path, reason in failed)
    rows: Iterable[dict[str, Any]] = heapq.merge(done, lost, key=lambda row: row["clip"])
    labels = parse_labels(options.labels)
    if labels:
        rows, before = list(rows), _index_before(place)
        for spec in labels:
            label_rows(place, rows, before, spec, options.seed, told)
    kinds, label_files = set[str](), set[str]()

    def noticed() -> Iterator[dict[str, Any]]:
        for row in rows:
            for made in row.get("outputs", ()):
                kinds.add(made["kind"])
                if made["kind"].startswith("kmeans-"):
                    label_files.add(made["path"])
            yield row

    write_index(noticed(), place / "index.parquet", {"genlock_plan": plan.text})
    write_json(
        place / "dataset.json",
        {
            "kind": "dataset",
            "recipe": options.recipe,
            "plan": json.loads(plan.text),
            "split": options.split,
            "group": options.group,
            "seed": options.seed,
            "labels": [spec.kind for spec in labels],
            "kinds": sorted(kinds),
            "clips": ledger.clip_count(),
            "quarantined": [{"source": path, "reason": reason} for _, path, reason in failed],
        },
    )
    for path in ledger.orphans(_files_of(place)):
        if path not in label_files:
            (place / path).unlink(missing_ok=True)
    for folder in place.glob("kmeans-*"):
        if folder.name not in kinds:
            shutil.rmtree(folder)
    for folder in [*place.glob("[!.]*/??"), *place.glob("[!.]*")]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _index_before(place: Path) -> list[dict[str, Any]]:
    """The rows of the index that lies there; none if there is none, or it is damaged: it is made anew."""
    try:
        return [dict(row) for row in read_index(place / "index.parquet").to_pylist()]
    except FormatError:
        return []


def _files_of(place: Path) -> Iterator[str]:
    """Files in the folders of outputs, relative to the dataset."""
    for path in place.glob("*/??/*"):
        if path.is_file() and not path.relative_to(place).parts[0].startswith("."):
            yield path.relative_to(place).as_posix()


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
    """One process at a time. The lock goes with its process, however that ends."""
    try:
        (place / _OWN).mkdir(parents=True, exist_ok=True)
        file = open(place / _OWN / "lock", "w")  # noqa: SIM115 - closed below
    except OSError as error:
        raise OutputError(f"the dataset {str(place)!r} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InputError(
            f"another process is at work on the dataset {str(place)!r}; wait for it (--status shows how far it is)"
        ) from error
    else:
        yield
    finally:
        file.close()
