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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    rows: Sequence[Row],
    before: Sequence[Row],
    spec: LabelSpec,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Write the labels of all clips that have the feature, and add them to the ``outputs`` of the rows.

    Parameters
    ----------
    dataset : the folder of the dataset
    rows : rows of the index that is being made
    before : rows of the index that lies there: what they tell of labels that are still true is kept

    Raises
    ------
    InputError
        If the training split has too few frames for so many clusters.
    MissingDependency
        If scikit-learn is not installed.
    """
    kinds = {made["kind"] for row in rows for made in row.get("outputs", ())}
    feature = spec.feature_kind(sorted(kinds))
    ours = [(row, made) for row in rows for made in row.get("outputs", ()) if made["kind"] == feature]
    fingerprint = _fingerprint(spec, seed, ours)
    more = json.dumps({"clusters": spec.clusters, "feature": spec.feature, "fingerprint": fingerprint})
    kept = {
        row["clip"]: made
        for row in before
        for made in row["outputs"] or ()
        if made["kind"] == spec.kind and made["more"] == more
    }
    centroids: npt.NDArray[np.float32] | None = None
    for number, (row, made) in enumerate(ours):
        known = kept.get(row["clip"])
        if known is None or not _is_whole(dataset / known["path"], known["bytes"]):
            if centroids is None:
                centroids = _centroids(dataset, ours, spec, seed, fingerprint, progress)
            known = {**_label(dataset, row, made, spec, centroids), "more": more}
        row["outputs"] = sorted([*row["outputs"], known], key=lambda output: str(output["kind"]))
        progress("labels", float(number + 1), float(len(ours)))


def _fingerprint(spec: LabelSpec, seed: int, ours: Sequence[tuple[Row, Mapping[str, Any]]]) -> str:
    """Of everything that decides about the centres."""
    body = [(row["clip"], row["split"], made["sha256"]) for row, made in ours]
    text = json.dumps([LABEL_VERSION, spec.feature, spec.clusters, seed, sorted(body)])
    return hashlib.sha256(text.encode()).hexdigest()


def _still_true(dataset: Path, spec: LabelSpec, fingerprint: str) -> bool:
    try:
        return bool(read_json_file(dataset / spec.kind / "fit.json").get("fingerprint") == fingerprint)
    except FormatError:
        return False


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _centroids(
    dataset: Path,
    ours: Sequence[tuple[Row, Mapping[str, Any]]],
    spec: LabelSpec,
    seed: int,
    fingerprint: str,
    progress: Progress,
) -> npt.NDArray[np.float32]:
    """The centres: those that lie there if they are still true, else fitted, and written."""
    place = dataset / spec.kind
    if _still_true(dataset, spec, fingerprint) and (place / "centroids.npy").is_file():
        found: npt.NDArray[np.float32] = np.load(place / "centroids.npy", allow_pickle=False)
        return found
    training = [(row, made) for row, made in ours if row["split"] == "train"]
    frames = sum(made["valid"] for _, made in training)
    if frames < spec.clusters:
        raise InputError(
            f"labels of {spec.feature}: the training split has {frames} frames, too few for {spec.clusters} clusters"
        )
    passes = max(2, min(30, _FRAMES_SEEN // frames))

    def batches() -> Iterator[npt.NDArray[np.float32]]:
        for number in range(passes):
            order = list(training)
            random.Random(f"{seed}:{number}").shuffle(order)
            for count, (row, made) in enumerate(order):
                yield _values(dataset, row, made)[1]
                progress("fit labels", float(number * len(order) + count + 1), float(passes * len(order)))

    centroids = fit_centroids(batches(), spec.clusters, seed)
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
            "seed": seed,
            "frames": frames,
            "passes": passes,
            "fingerprint": fingerprint,
        },
    )
    return centroids


def _values(dataset: Path, row: Row, made: Mapping[str, Any]) -> tuple[Track, npt.NDArray[np.float32]]:
    """A feature and its valid frames as rows [n, width]."""
    track = track_of_output(made, read_output(dataset, made), str(row["clock"]))
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
    track, frames = _values(dataset, row, made)
    labels = np.full(len(track), -1, np.int32)
    labels[track.valid] = nearest_centroid(frames, centroids)
    found = Track(labels, track.grid, track.valid, spec.kind, support=track.support, context=track.context)
    return keep(made_of_track(spec.kind, found), str(row["clip"]), dataset)
