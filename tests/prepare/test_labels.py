"""k-means labels: planted clusters come out, on the feature's grid, the same every time, in memory that stays flat."""

from __future__ import annotations

import gc
import hashlib
import shutil
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.prepare.sources import film, fingerprint

pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Ticks
from genlock.core.track import Track
from genlock.core.track_file import load_track, save_track
from genlock.data.index import read_index
from genlock.data.labels import LabelSpec, fit_centroids, label_rows, nearest_centroid
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import ClipSet
from genlock.extractors.sound.framing import kaldi, kaldi_no_snip, wav2vec2

OPTIONS = PrepareOptions(
    "folder",
    outputs="sound@16000",
    labels="kmeans:mfcc:kaldi39:5",
    clip_seconds="1",
    split="0.6/0.2/0.2",
    seed=2,
)
KIND = "kmeans-mfcc-kaldi39-5"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    for k in range(5):
        film(folder / f"film{k}.mkv", seconds=2, events=(0.3, 1.4), seed=k)
    return folder


@pytest.fixture(scope="module")
def labelled(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("labelled") / "d"
    prepare(corpus, target, OPTIONS)
    return target


def planted(seed: int = 0, pieces: int = 40) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """Seven centres far apart, and frames around them."""
    chance = np.random.default_rng(seed)
    centers = chance.uniform(-10, 10, (7, 6)).astype(np.float32)
    frames = (
        (centers[chance.integers(0, 7, 300)] + 0.1 * chance.standard_normal((300, 6))).astype(np.float32)
        for _ in range(pieces)
    )
    return centers, frames


def test_planted_centres_are_found() -> None:
    centers, frames = planted()
    found = fit_centroids(frames, 7, seed=1, batch=1000)
    own = nearest_centroid(centers, found)
    assert sorted(own.tolist()) == list(range(7))  # each centre has a label of its own
    assert np.abs(found[own] - centers).max() < 0.05


def test_the_nearest_centre_is_the_nearest() -> None:
    chance = np.random.default_rng(3)
    frames, centers = chance.standard_normal((9000, 5)).astype(np.float32), chance.standard_normal((20, 5))
    centroids = centers.astype(np.float32)
    slow = np.linalg.norm(frames[:, None].astype(float) - centroids[None].astype(float), axis=2).argmin(
        axis=1
    )
    assert np.array_equal(nearest_centroid(frames, centroids), slow)


def test_memory_is_flat_over_the_number_of_frames() -> None:
    def peak(pieces: int) -> int:
        gc.collect()
        tracemalloc.start()
        fit_centroids(planted(0, pieces)[1], 7, seed=0, batch=1000)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(12)
    assert peak(120) < 1.2 * peak(12) + 100_000


def test_memory_is_flat_over_the_number_of_clips(tmp_path: Path) -> None:
    """The rows of the index are gone through, not held."""

    def rows(count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            made = {"kind": "mfcc", "path": f"mfcc/{number}.npz", "sha256": f"{number:064}", "valid": 100}
            clip = {"clip": f"clip{number:06}", "split": "valid", "clock": "media", "transcript": "a" * 1000}
            yield {**clip, "outputs": [made]}

    def peak(count: int) -> int:
        spec = LabelSpec.parse("kmeans:mfcc:3")
        gc.collect()
        tracemalloc.start()
        with pytest.raises(InputError, match="has 0 frames"):
            list(label_rows(tmp_path, lambda: rows(count), list, [spec], 0))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(5000) < peak(50) + 100_000


def test_labels_lie_on_the_grid_of_their_feature(labelled: Path) -> None:
    clips = ClipSet(labelled, (KIND, "mfcc-kaldi39"))
    assert len(clips) == 10
    centroids = np.load(labelled / KIND / "centroids.npy", allow_pickle=False)
    seen = set()
    for clip in clips:
        labels, feature = clip.tracks[KIND], clip.tracks["mfcc-kaldi39"]
        assert labels.grid == feature.grid
        assert np.array_equal(labels.valid, feature.valid)
        assert np.array_equal(labels.values, nearest_centroid(feature.values, centroids))
        seen |= set(labels.values.tolist())
    assert seen == set(range(5))


def rows_of(dataset: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in read_index(dataset / "index.parquet").to_pylist()]


def bare(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without labels, as prepare has them before."""
    return [{**row, "outputs": [made for made in row["outputs"] if made["kind"] != KIND]} for row in rows]


def files(dataset: Path) -> dict[str, str]:
    return {name: value for name, value in fingerprint(dataset).items() if name.startswith(KIND)}


def label(dataset: Path, rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spec = LabelSpec.parse("kmeans:mfcc:kaldi39:5")
    return list(label_rows(dataset, lambda: rows, lambda: before, [spec], 2))


def test_the_fit_sees_the_training_split_alone(labelled: Path, tmp_path: Path) -> None:
    """Other features in the other splits: the same centres, other labels."""
    shutil.copytree(labelled, tmp_path / "d")
    rows = bare(rows_of(labelled))
    others = [row for row in rows if row["split"] != "train"]
    assert 0 < len(others) < len(rows)
    for row in others:
        made = next(made for made in row["outputs"] if made["kind"] == "mfcc-kaldi39")
        path = tmp_path / "d" / made["path"]
        save_track(load_track(path).map(lambda values: values + 5), path)
        made["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    shutil.rmtree(tmp_path / "d" / KIND)
    label(tmp_path / "d", rows, [])
    changed = {name for name, value in files(tmp_path / "d").items() if value != files(labelled)[name]}
    assert f"{KIND}/centroids.npy" not in changed
    assert len(changed - {f"{KIND}/fit.json"}) > 0


def test_labels_are_the_same_again_and_left_alone(labelled: Path, corpus: Path, tmp_path: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in labelled.rglob("*.np?")}
    whole = fingerprint(labelled)
    prepare(corpus, labelled, OPTIONS)
    assert {path: path.stat().st_mtime_ns for path in times} == times  # nothing was done again
    assert fingerprint(labelled) == whole
    shutil.copytree(labelled, tmp_path / "d")
    rows = rows_of(labelled)
    # All are lost; one is lost, and one cut short; each time they come again with the same bytes.
    shutil.rmtree(tmp_path / "d" / KIND)
    assert label(tmp_path / "d", bare(rows), rows) == rows
    assert files(tmp_path / "d") == files(labelled)
    lost, cut = sorted((tmp_path / "d" / KIND).glob("??/*"))[:2]
    lost.unlink()
    cut.write_bytes(b"")
    assert label(tmp_path / "d", bare(rows), rows) == rows
    assert files(tmp_path / "d") == files(labelled)


def test_other_clips_give_other_labels_also_after_a_kill(labelled: Path, tmp_path: Path) -> None:
    shutil.copytree(labelled, tmp_path / "d")
    rows = rows_of(labelled)
    training = next(number for number, row in enumerate(rows) if row["split"] == "train")
    fewer = rows[:training] + rows[training + 1 :]
    found = label(tmp_path / "d", bare(fewer), rows)
    assert (tmp_path / "d" / KIND / "fit.json").read_bytes() != (labelled / KIND / "fit.json").read_bytes()
    assert found != fewer
    # Killed after the fit: the centres are new, labels and index are old. The old ones are not taken for new.
    made = files(tmp_path / "d")
    for path in (labelled / KIND).glob("??/*"):
        shutil.copy(path, tmp_path / "d" / path.relative_to(labelled))
    assert label(tmp_path / "d", bare(fewer), rows) == found
    assert {name: value for name, value in files(tmp_path / "d").items() if name in made} == made


def test_labels_that_nobody_asks_for_stay_unless_all_is_to_be_replaced(
    labelled: Path, corpus: Path, tmp_path: Path
) -> None:
    shutil.copytree(labelled, tmp_path / "d")
    before = files(tmp_path / "d")
    fewer = replace(OPTIONS, labels=None, outputs="sound@16000,mfcc:kaldi39")
    prepare(corpus, tmp_path / "d", fewer)
    assert files(tmp_path / "d") == before
    prepare(corpus, tmp_path / "d", replace(fewer, replace=True))
    assert not (tmp_path / "d" / KIND).exists()
    assert len(list((tmp_path / "d").glob("mfcc-kaldi39/??/*"))) == 10


def test_hubert_frames_and_mfcc_labels_share_their_middles_only_with_snipped_edges() -> None:
    """Label 2 k for frame k: concentric with Kaldi's snipped edges, else 7.5 ms early; Track.on finds the nearest."""
    frames = wav2vec2().grid(16000)
    snipped, padded = kaldi().grid(16000), kaldi_no_snip().grid(16000)
    assert all(snipped.center(2 * k) == frames.center(k) for k in range(100))
    assert {frames.center(k) - padded.center(2 * k) for k in range(100)} == {Fraction(120, 16000)}
    for grid, step in ((snipped, 0), (padded, 1)):
        labels = Track(np.arange(400, dtype=np.int32), grid)
        assert labels.on(frames, "nearest", length=100).values.tolist() == [2 * k + step for k in range(100)]


def test_labels_of_any_track(tmp_path: Path) -> None:
    """Of a feature with more than one axis a frame, on frames whose times vary; what is invalid has none."""
    chance = np.random.default_rng(0)
    ticks = Ticks(np.cumsum(chance.integers(1, 5, 60)), "1/90", 3)
    valid = np.arange(60) % 10 != 0
    values = chance.integers(0, 3, 60)[:, None, None] * np.ones((1, 2, 4), np.float32)
    save_track(Track(values, ticks, valid), tmp_path / "landmarks/a.npz")
    data = (tmp_path / "landmarks/a.npz").read_bytes()
    made = {
        "kind": "landmarks",
        "path": "landmarks/a.npz",
        "sha256": hashlib.sha256(data).hexdigest(),
        "valid": 54,
    }
    rows: list[dict[str, Any]] = [{"clip": "a", "split": "train", "clock": ticks.clock, "outputs": [made]}]

    def labelled(spec: str) -> list[dict[str, Any]]:
        return list(label_rows(tmp_path, lambda: rows, list, [LabelSpec.parse(spec)], 0))

    rows = labelled("kmeans:landmarks:3")
    found = load_track(tmp_path / rows[0]["outputs"][0]["path"])
    assert found.grid == ticks
    assert found.valid.tolist() == valid.tolist()
    assert set(found.values[~valid].tolist()) == {-1}
    pairs = set(zip(found.values[valid].tolist(), values[valid, 0, 0].tolist(), strict=True))
    assert len(pairs) == 3  # one label for each of the three planted values
    with pytest.raises(InputError, match="54 frames, too few for 500 clusters"):
        labelled("kmeans:landmarks:500")
    with pytest.raises(InputError, match="no clip has it"):
        labelled("kmeans:mfcc:3")


@pytest.mark.parametrize(
    "text",
    [
        "kmeans",
        "kmeans:mfcc",
        "kmeans:mfcc:ten",
        "gmm:mfcc:10",
        "kmeans:mfcc:1",
        "kmeans:melody:9",
        "kmeans:words:9",
    ],
)
def test_labels_that_cannot_be(text: str) -> None:
    with pytest.raises(OptionError):
        LabelSpec.parse(text)
