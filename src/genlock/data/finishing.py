"""The end of a run of ``genlock prepare``: splits, labels, the index, and what describes the dataset."""

from __future__ import annotations

import heapq
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.json_forms import write_json
from genlock.core.progress import Progress
from genlock.data.equal_sources import contents_of, copies_of
from genlock.data.index import outputs_of_index, row_of_clip, row_of_failure, splits_of_sources, write_index
from genlock.data.labels import label_rows, parse_labels
from genlock.data.ledger import Item, Ledger
from genlock.data.settings import Settings
from genlock.data.splits import Member, draw_splits, parse_shares

__all__ = ["Finished", "finish"]


@dataclass(frozen=True)
class Finished:
    """What a dataset looks like at the end of a run."""

    copies: Mapping[str, str]
    """By source, the first source that holds the same."""
    moved: int
    """Sources that are in another split than before."""


def finish(
    place: Path,
    ledger: Ledger,
    items: list[Item],
    settings: Settings,
    plan_text: str,
    left_out: Mapping[str, int],
    progress: Progress,
) -> Finished:
    """Write the index and what describes the dataset; remove what belongs to nothing any more.

    Parameters
    ----------
    items : every source, by name, with what the corpus says of it
    plan_text : everything that decided about the outputs, for whoever reads the dataset
    left_out : what lies in the corpus' folder and is no source: how many by kind
    """
    copies, splits = _splits(ledger, items, settings)
    before = splits_of_sources(place / "index.parquet")
    moved = sum(before.get(item.shown, splits[item.name]) != splits[item.name] for item in items)
    facts = {
        item.name: {**item.facts, "split": splits[item.name], "copy_of": copies.get(item.shown, "")}
        for item in items
    }
    kinds, label_files = _write_index(place, ledger, facts, settings, plan_text, progress)
    lost = ledger.quarantined()
    write_json(
        place / "dataset.json",
        {
            "kind": "dataset",
            "recipe": settings.recipe,
            "plan": json.loads(plan_text),
            "split": settings.split,
            "group": settings.group,
            "seed": settings.seed,
            "labels": [spec.kind for spec in parse_labels(",".join(settings.labels))],
            "kinds": sorted(kinds),
            "clips": ledger.clip_count(),
            "quarantined": [{"source": one.path, "reason": one.reason, "kind": one.kind} for one in lost],
            "copies": len(copies),
            "left_out": dict(sorted(left_out.items())),
        },
    )
    _tidy(place, ledger, kinds, label_files)
    return Finished(copies, moved)


def _splits(ledger: Ledger, items: list[Item], settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Copies by path, and the split of every item by name: by group and by content."""
    contents = {name: contents_of(content, clips) for name, _, content, clips in ledger.finished()}
    members = [
        Member(item.facts["group"], contents.get(item.name, ()), tuple(item.facts["splits"]))
        for item in items
    ]
    found = draw_splits(members, parse_shares(settings.split), settings.seed)
    by_path = sorted(items, key=lambda item: item.shown)
    copies = copies_of({item.shown: contents.get(item.name, ()) for item in by_path})
    return copies, {item.name: split for item, split in zip(items, found, strict=True)}


def _write_index(
    place: Path,
    ledger: Ledger,
    facts: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    plan_text: str,
    progress: Progress,
) -> tuple[set[str], set[str]]:
    """Write the index; gives the kinds of outputs and the files of labels that it tells of."""

    def rows() -> Iterable[dict[str, Any]]:
        done = (
            row_of_clip(clip, source=path, content=content, facts=facts[name])
            for name, path, content, clips in ledger.finished()
            for clip in clips
        )
        lost = (
            row_of_failure(one.name, one.path, one.reason, one.kind, facts[one.name])
            for one in ledger.quarantined()
        )
        return heapq.merge(done, lost, key=lambda row: row["clip"])

    labels = parse_labels(",".join(settings.labels))
    index = place / "index.parquet"
    kinds, label_files = set[str](), set[str]()

    def noticed() -> Iterator[dict[str, Any]]:
        labelled = label_rows(place, rows, lambda: outputs_of_index(index), labels, settings.seed, progress)
        for row in labelled if labels else rows():
            for made in row.get("outputs", ()):
                kinds.add(made["kind"])
                if made["kind"].startswith("kmeans-"):
                    label_files.add(made["path"])
            yield row

    write_index(noticed(), index, {"genlock_plan": plan_text})
    return kinds, label_files


def _tidy(place: Path, ledger: Ledger, kinds: set[str], label_files: set[str]) -> None:
    """Remove outputs and labels that belong to nothing, and folders that are empty."""
    for path in ledger.orphans(_files_of(place)):
        if path not in label_files:
            (place / path).unlink(missing_ok=True)
    for folder in place.glob("kmeans-*"):
        if folder.name not in kinds:
            shutil.rmtree(folder)
    for folder in [*place.glob("[!.]*/??"), *place.glob("[!.]*")]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _files_of(place: Path) -> Iterator[str]:
    """Files in the folders of outputs, relative to the dataset."""
    for path in place.glob("*/??/*"):
        if path.is_file() and not path.relative_to(place).parts[0].startswith("."):
            yield path.relative_to(place).as_posix()
