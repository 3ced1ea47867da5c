"""Labels of a dataset: k-means of a feature, one number for each cell, on the feature's own exact grid.

The centres are found in batches from the clips of the training split, in memory that does not depend on their number,
and are the same for the same dataset and seed. Labels are part of the dataset: they come again by themselves when
its clips change, and are left alone when nothing did.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError, MissingDependency, OptionError
from genlock.core.files import write_bytes
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.data.output_files import read_output, track_of_output
from genlock.data.output_makers import keep, made_of_track
from genlock.data.output_spec import Wanted

__all__ = ["LabelSpec", "fit_centroids", "label_rows", "nearest_centroid", "parse_labels"]

#: Raised whenever labels may change for the same dataset and seed.
LABEL_VERSION = 1
# The fit sees this many frames, in at least two and at most thirty passes over those that there are.
_FRAMES_SEEN = 2_000_000
_BATCH = 10_000

Row = dict[str, Any]


@dataclass(frozen=True)
class LabelSpec:
    """``kmeans:FEATURE:CLUSTERS``.

    >>> spec = LabelSpec.parse("kmeans:mfcc:kaldi39:100")
    >>> spec.feature, spec.clusters, spec.kind
    ('mfcc:kaldi39', 100, 'kmeans-mfcc-kaldi39-100')
    """

    feature: str
    """The output that is clustered, as in ``--outputs``."""
    clusters: int
    """Number of clusters, at least 2."""

    def __post_init__(self) -> None:
        if self.clusters < 2:
            raise OptionError(f"{self.clusters} clusters tell nothing apart; give at least 2")
        if Wanted.parse(self.feature).name in ("sound", "video", "frames", "offset", "words"):
            raise OptionError(f"labels need a feature, not {self.feature!r}; try kmeans:mfcc:kaldi39:100")

    @classmethod
    def parse(cls, text: str) -> LabelSpec:
        """Read one.

        Raises OptionError if it cannot be understood.
        """
        method, _, rest = text.strip().partition(":")
        feature, _, count = rest.rpartition(":")
        if method != "kmeans" or not feature or not count.isdecimal():
            raise OptionError(
                f"--labels {text!r} is not kmeans:FEATURE:CLUSTERS, such as kmeans:mfcc:kaldi39:100"
            )
        return cls(feature, int(count))

    @property
    def text(self) -> str:
        """The form that :meth:`parse` reads."""
        return f"kmeans:{self.feature}:{self.clusters}"

    @property
    def kind(self) -> str:
        """The folder's name."""
        return f"kmeans-{Wanted.parse(self.feature).kind}-{self.clusters}"

    def feature_kind(self, kinds: Sequence[str]) -> str:
        """The folder of the feature, out of those that there are.

        Raises InputError if it is not there.
        """
        wanted = Wanted.parse(self.feature)
        found = next((kind for kind in (wanted.kind, wanted.name) if kind in kinds), None)
        if found is None:
            raise InputError(
                f"labels of {self.feature}: no clip has it; there are: {', '.join(sorted(kinds))}"
            )
        return found


def parse_labels(text: str | None) -> tuple[LabelSpec, ...]:
    """The labels of a comma-separated list."""
    return tuple(LabelSpec.parse(part) for part in (text or "").split(",") if part.strip())


def label_rows(
    dataset: Path,
    rows: Callable[[], Iterable[Row]],
    before: Callable[[], Iterable[Row]],
    specs: Sequence[LabelSpec],
    seed: int,
    progress: Progress = silent,
) -> Iterator[Row]:
    """The rows, with labels of all clips that have the features added to their ``outputs``; missing ones are written.

    The rows are gone through twice, one at a time; memory holds no more than a number for each clip.

    Parameters
    ----------
    dataset : the folder of the dataset
    rows : gives the rows of the index that is being made, sorted by clip, each time that it is called
    before : gives those of the index that lies there, in the same order: labels of it that are still true are kept

    Raises
    ------
    InputError
        If no clip has a feature, or the training split has too few frames for so many clusters.
    MissingDependency
        If scikit-learn is not installed.
    """
    with ExitStack() as stack:
        all_labels = [stack.enter_context(_Labels(dataset, spec, seed, progress)) for spec in specs]
        for row in rows():
            for labels in all_labels:
                labels.see(row)
        labelled = rows()
        for labels in all_labels:
            labelled = labels.added_to(labelled, before())
        yield from labelled


class _Labels:
    """The labels of one spec: it sees all rows once, and then adds to each.

    What it needs of the rows to fit the centres lies in a temporary file.
    """

    def __init__(self, dataset: Path, spec: LabelSpec, seed: int, progress: Progress) -> None:
        self.dataset, self.spec, self.seed, self.progress = dataset, spec, seed, progress
        wanted = Wanted.parse(spec.feature)
        self._seen = {kind: _Seen(spec, seed) for kind in (wanted.kind, wanted.name)}
        self._kinds: set[str] = set()
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="genlock-labels-")  # noqa: SIM115 - __exit__ closes it

    def __enter__(self) -> _Labels:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def see(self, row: Row) -> None:
        """Take notice of a row."""
        for made in row.get("outputs") or ():
            self._kinds.add(made["kind"])
            seen = self._seen.get(made["kind"])
            if seen is None:
                continue
            seen.note(row, made)
            if row["split"] == "train":
                seen.training.append(self._file.tell())
                seen.frames += made["valid"]
                self._file.write(json.dumps({"clock": row["clock"], "made": made}).encode() + b"\n")

    def added_to(self, rows: Iterable[Row], before: Iterable[Row]) -> Iterator[Row]:
        """The rows with labels; ``before`` are the rows of the index that lies there."""
        feature = self.spec.feature_kind(sorted(self._kinds))
        seen = self._seen[feature]
        more = json.dumps(
            {"clusters": self.spec.clusters, "feature": self.spec.feature, "fingerprint": seen.fingerprint()}
        )
        centroids: npt.NDArray[np.float32] | None = None
        done = 0
        for row, known in _beside(rows, before):
            made = next((one for one in row.get("outputs") or () if one["kind"] == feature), None)
            if made is not None:
                label = next((o for o in known if o["kind"] == self.spec.kind and o["more"] == more), None)
                if label is None or not _is_whole(self.dataset / label["path"], label["bytes"]):
                    if centroids is None:
                        centroids = self._centroids(seen)
                    label = {**_label(self.dataset, row, made, self.spec, centroids), "more": more}
                row = {**row, "outputs": sorted([*row["outputs"], label], key=lambda one: str(one["kind"]))}
                done += 1
                self.progress("labels", float(done), float(seen.clips))
            yield row

    def _centroids(self, seen: _Seen) -> npt.NDArray[np.float32]:
        """The centres: those that lie there if they are still true, else fitted, and written."""
        spec, place = self.spec, self.dataset / self.spec.kind
        fingerprint = seen.fingerprint()
        if _still_true(self.dataset, spec, fingerprint) and (place / "centroids.npy").is_file():
            found: npt.NDArray[np.float32] = np.load(place / "centroids.npy", allow_pickle=False)
            return found
        if seen.frames < spec.clusters:
            raise InputError(
                f"labels of {spec.feature}: the training split has {seen.frames} frames, too few for {spec.clusters} "
                "clusters"
            )
        passes = max(2, min(30, _FRAMES_SEEN // seen.frames))
        centroids = fit_centroids(self._frames(seen, passes), spec.clusters, self.seed)
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, centroids, allow_pickle=False)
        write_bytes(place / "centroids.npy", buffer.getvalue())
        # Last: it says that the centres are whole and what of.
        write_json(
            place / "fit.json",
            {
                "kind": "kmeans",
                "feature": spec.feature,
                "clusters": spec.clusters,
                "seed": self.seed,
                "frames": seen.frames,
                "passes": passes,
                "fingerprint": fingerprint,
            },
        )
        return centroids

    def _frames(self, seen: _Seen, passes: int) -> Iterator[npt.NDArray[np.float32]]:
        """The frames of the training clips, in another order each time."""
        for number in range(passes):
            order = array("q", seen.training)
            random.Random(f"{self.seed}:{number}").shuffle(order)
            for count, place in enumerate(order):
                self._file.seek(place)
                row = json.loads(self._file.readline())
                yield _values(self.dataset, row["clock"], row["made"])[1]
                self.progress(
                    "fit labels", float(number * len(order) + count + 1), float(passes * len(order))
                )


class _Seen:
    """What was seen of one kind of output, over all rows."""

    def __init__(self, spec: LabelSpec, seed: int) -> None:
        self.training = array("q")
        """Where in the file the training clips lie."""
        self.frames = 0
        """Valid frames of the training clips."""
        self.clips = 0
        """How many clips have the output."""
        head = json.dumps([LABEL_VERSION, spec.feature, spec.clusters, seed])
        self._hash = hashlib.sha256(f"{head[:-1]}, [".encode())

    def note(self, row: Row, made: Mapping[str, Any]) -> None:
        """Take notice of the output of one clip."""
        entry = json.dumps([row["clip"], row["split"], made["sha256"]])
        self._hash.update((", " * (self.clips > 0) + entry).encode())
        self.clips += 1

    def fingerprint(self) -> str:
        """A hash of everything that decides about the centres."""
        end = self._hash.copy()
        end.update(b"]]")
        return end.hexdigest()


def _beside(rows: Iterable[Row], before: Iterable[Row]) -> Iterator[tuple[Row, Sequence[Row]]]:
    """Each row, and the outputs that the clip of the same name had before; both are sorted by clip."""
    old = iter(before)
    known = next(old, None)
    for row in rows:
        while known is not None and known["clip"] < row["clip"]:
            known = next(old, None)
        same = known is not None and known["clip"] == row["clip"]
        yield row, (known["outputs"] or ()) if same and known is not None else ()


def _still_true(dataset: Path, spec: LabelSpec, fingerprint: str) -> bool:
    try:
        return bool(read_json_file(dataset / spec.kind / "fit.json").get("fingerprint") == fingerprint)
    except FormatError:
        return False


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _values(dataset: Path, clock: str, made: Mapping[str, Any]) -> tuple[Track, npt.NDArray[np.float32]]:
    """A feature and its valid frames as rows [n, width]."""
    track = track_of_output(made, read_output(dataset, made), clock)
    frames = track.values[track.valid].reshape(int(track.valid.sum()), -1)
    return track, np.asarray(frames, np.float32)


def fit_centroids(
    pieces: Iterator[npt.NDArray[np.float32]], clusters: int, seed: int, batch: int = _BATCH
) -> npt.NDArray[np.float32]:
    """Centres of clusters [clusters, width] by mini-batch k-means (Sculley 2010).

    Parameters
    ----------
    pieces : frames, [n, width], as often as they shall be seen; held until there are ``batch`` of them
    batch : frames of an update; at least 20 for each cluster are taken

    Raises MissingDependency if scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MissingDependency(
            f"k-means labels need scikit-learn ({error}); install it: pip install 'genlock[data]'"
        ) from error
    most = max(batch, 20 * clusters)
    model = MiniBatchKMeans(
        clusters, batch_size=most, random_state=seed, compute_labels=False, n_init=5, reassignment_ratio=0.0
    )
    # One thread: sums in another order would be other sums.
    with threadpool_limits(1):
        for frames in _gathered(pieces, most, clusters):
            model.partial_fit(frames)
    return np.asarray(model.cluster_centers_, np.float32)


def _gathered(
    pieces: Iterator[npt.NDArray[np.float32]], most: int, least: int
) -> Iterator[npt.NDArray[np.float32]]:
    held: list[npt.NDArray[np.float32]] = []
    count, given = 0, False
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= most:
            yield np.concatenate(held)
            held, count, given = [], 0, True
    if count >= least or (given and count):
        yield np.concatenate(held)


def nearest_centroid(
    frames: npt.NDArray[np.float32], centroids: npt.NDArray[np.float32]
) -> npt.NDArray[np.int32]:
    """The number of the nearest centre of each frame, [n, width] to int32 [n]; of equal ones the first.

    >>> nearest_centroid(np.float32([[0.1], [0.9]]), np.float32([[1], [0]])).tolist()
    [1, 0]
    """
    labels = np.zeros(len(frames), np.int32)
    wide = centroids.astype(np.float64)
    squares = (wide**2).sum(axis=1)
    for first in range(0, len(frames), 4096):
        part = frames[first : first + 4096].astype(np.float64)
        labels[first : first + len(part)] = (squares - 2 * part @ wide.T).argmin(axis=1)
    return labels


def _label(
    dataset: Path, row: Row, made: Mapping[str, Any], spec: LabelSpec, centroids: npt.NDArray[np.float32]
) -> dict[str, Any]:
    """Write the labels of one clip; its entry in the index."""
    track, frames = _values(dataset, str(row["clock"]), made)
    labels = np.full(len(track), -1, np.int32)
    labels[track.valid] = nearest_centroid(frames, centroids)
    found = Track(labels, track.grid, track.valid, spec.kind, support=track.support, context=track.context)
    return keep(made_of_track(spec.kind, found), str(row["clip"]), dataset)
