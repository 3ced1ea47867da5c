"""What ``genlock prepare`` tells at its end, and with ``--status`` at any time: counts, and a name for what is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from genlock.core.one_line import one_line
from genlock.core.progress import in_words
from genlock.data.corpora.listing import LeftOut, printable
from genlock.data.ledger import DatasetProgress, Ledger

__all__ = ["Prepared", "keep_report", "prepared_of"]

# Of each kind of what was left out, and of the copies, so many are named; all are counted.
_NAMED = 100


@dataclass(frozen=True)
class Prepared:
    """A dataset and how far it is."""

    dataset: Path
    """Its folder."""
    progress: DatasetProgress
    """Counts, reasons, rate."""
    clips: int
    """Clips that are done."""
    quarantined: tuple[tuple[str, str], ...]
    """(source, reason) of what could not be used."""
    kinds: tuple[str, ...] = ()
    """The kind of each of these reasons."""
    copy_count: int = 0
    """Sources that hold what another one holds; all copies of one content are in one split."""
    copies: tuple[tuple[str, str], ...] = ()
    """(source, the first source that holds the same); the first hundred."""
    left_out_counts: Mapping[str, int] = field(default_factory=dict)
    """How many things of each kind lie in the corpus' folder and are no source."""
    left_out: tuple[LeftOut, ...] = ()
    """What they are; of each kind the first hundred."""
    notes: tuple[str, ...] = ()
    """What else whoever uses the dataset must know; one line each."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``dataset``, ``clips``, ``progress``, ``quarantined[]``, ``copy_count``, ``copies[]``, ``left_out_counts``,
        ``left_out[]``, ``notes[]``."""
        reasons = zip(self.quarantined, self.kinds, strict=True)
        return {
            "dataset": printable(str(self.dataset)),
            "clips": self.clips,
            "progress": self.progress.to_dict(),
            "quarantined": [
                {"source": source, "reason": reason, "kind": kind} for (source, reason), kind in reasons
            ],
            "copy_count": self.copy_count,
            "copies": [{"source": source, "copy_of": first} for source, first in self.copies],
            "left_out_counts": dict(self.left_out_counts),
            "left_out": [asdict(one) for one in self.left_out],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        files, took = self.progress.counts.get("done", 0), in_words(self.progress.work_seconds)
        first = f"{_counted(self.clips, 'clip')} from {_counted(files, 'file')}, {took} of work"
        lines = [f"{printable(str(self.dataset))}: {first}"]
        lines += [line for line in str(self.progress).splitlines() if line != f"{files} done"]
        if self.copies:
            source, first = self.copies[0]
            lines.append(
                f"copies {self.copy_count}: sources that hold what another one holds ({source!r} what {first!r} holds, "
                "...); all copies of one content are in one split"
            )
        for kind, count in self.left_out_counts.items():
            names = [repr(one.path or ".") for one in self.left_out if one.kind == kind]
            lines.append(f"left out {count} x {kind}: {', '.join(names[:3])}{', ...' if count > 3 else ''}")
        lines += [*self.notes, *(f"- {source}: {reason}" for source, reason in self.quarantined[:20])]
        if len(self.quarantined) > 20:
            lines.append(f"- and {len(self.quarantined) - 20} more: the index has all of them")
        return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def keep_report(
    ledger: Ledger, copies: Mapping[str, str], left_out: Iterable[LeftOut], notes: Sequence[str]
) -> dict[str, Any]:
    """Note in the ledger what a run found that is about no single item; gives what was noted.

    Parameters
    ----------
    copies : by source, the first source that holds the same
    """
    counts, named = Counter[str](), []
    for one in sorted(left_out, key=lambda one: (one.kind, one.path)):
        counts[one.kind] += 1
        if counts[one.kind] <= _NAMED:
            named.append(asdict(one))
    report = {
        "copy_count": len(copies),
        "copies": [[source, copies[source]] for source in sorted(copies)[:_NAMED]],
        "left_out_counts": dict(counts.most_common()),
        "left_out": named,
        "notes": list(notes),
    }
    ledger.note("report", json.dumps(report))
    return report


def prepared_of(place: Path, ledger: Ledger) -> Prepared:
    """A dataset and how far it is, out of its ledger."""
    lost = ledger.quarantined()
    report = json.loads(ledger.fact("report") or "{}")
    return Prepared(
        place,
        ledger.progress(),
        ledger.clip_count(),
        tuple((one.path, one.reason) for one in lost),
        tuple(one.kind for one in lost),
        report.get("copy_count", 0),
        tuple((source, first) for source, first in report.get("copies", ())),
        report.get("left_out_counts", {}),
        tuple(LeftOut(**one) for one in report.get("left_out", ())),
        tuple(report.get("notes", ())),
    )
