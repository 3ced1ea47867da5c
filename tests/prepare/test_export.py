"""What `genlock export` writes, opened with the packages that it is for."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from tests.prepare.sources import RATE, film, fingerprint

pytest.importorskip("pyarrow")

from genlock.core.errors import FormatError, OptionError, OutputError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.core.track_file import load_track, save_track, track_from_bytes
from genlock.data.export import Exported, ExportOptions, export_dataset
from genlock.data.export.base import filled
from genlock.data.index import read_index
from genlock.data.prepare import PrepareOptions, prepare

CLICK = 0.7  # seconds into each film


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six films of speech with word times: clips of 1 s, the last one a tail; every kind of output."""
    folder = tmp_path_factory.mktemp("export")
    for k in range(6):
        name = "bbaf2n" if k == 0 else f"film{k}"
        film(folder / f"s/dog.s/{name}.mkv", seconds=1 + k % 2, events=(CLICK,), seed=k)
    (folder / "s/dog.s/bbaf2n.align").write_text("0 5000 sil\n5000 10000 bin\n10000 40000 blue\n")
    outputs = "sound@16000,sound@22050,mel:specvqgan,frames@21.5/32x24,video@21.5/32x24,flow@25/32x24"
    options = PrepareOptions("grid", outputs=outputs, clip_seconds="1", split="0.5/0.25/0.25", seed=3)
    assert prepare(folder / "s", folder / "d", options).clips == 9
    return folder / "d"


def rows_of(dataset: Path) -> dict[str, dict[str, Any]]:
    return {row["clip"]: row for row in read_index(dataset / "index.parquet").to_pylist()}


def export(dataset: Path, target: Path, to: str, **more: Any) -> Exported:
    return export_dataset(dataset, target, ExportOptions(to, **more))


def click_in(track: Track) -> float:
    return float(track.centers[np.abs(track.values).argmax()])


# ---------------------------------------------------------------- WebDataset


def test_webdataset_reads_our_shards(dataset: Path, tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    done = export(dataset, tmp_path / "w", "webdataset", shard_megabytes=1)
    rows = rows_of(dataset)
    found = {}
    for split in done.clips:
        shards = sorted(str(path) for path in (tmp_path / "w").glob(f"{split}-*.tar"))
        for sample in wds.WebDataset(shards, shardshuffle=False):
            facts = json.loads(sample["json"])
            assert facts["split"] == split
            found[facts["clip"]] = sample
    assert set(found) == set(rows)
    for clip, sample in found.items():
        for made in rows[clip]["outputs"]:
            member = made["kind"].replace(".", "_") + Path(made["path"]).suffix
            assert sample[member] == (dataset / made["path"]).read_bytes()
    first = next(
        sample for clip, sample in found.items() if clip.startswith("film1") and clip.endswith("00000")
    )
    mel = track_from_bytes(first["mel-specvqgan.npz"], "mel")
    assert mel.grid.rate == Fraction(22050, 256)
    decoded = next(iter(wds.WebDataset(shards, shardshuffle=False).decode()))
    assert decoded["mel-specvqgan.npz"]["values"].shape[1] == 80  # numpy's own reader opens a Track


def test_shards_are_cut_by_size_and_have_the_same_bytes_every_time(dataset: Path, tmp_path: Path) -> None:
    one = export(dataset, tmp_path / "one", "webdataset", shard_megabytes=1, kinds="sound_16000,sound_22050")
    export(dataset, tmp_path / "two", "webdataset", shard_megabytes=1, kinds="sound_16000,sound_22050")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    other = export(dataset, tmp_path / "three", "webdataset", kinds="sound_16000,sound_22050", seed=1)
    assert other.clips == one.clips
    assert fingerprint(tmp_path / "three") != fingerprint(tmp_path / "one")
    listed = json.loads((tmp_path / "one/shards.json").read_text())["splits"]
    for shard in (shard for shards in listed.values() for shard in shards):
        data = (tmp_path / "one" / shard["name"]).read_bytes()
        assert (shard["bytes"], shard["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_export_that_was_stopped_goes_on_and_nobody_elses_folder_is_touched(
    dataset: Path, tmp_path: Path
) -> None:
    export(dataset, tmp_path / "w", "webdataset")
    whole = fingerprint(tmp_path / "w")
    kept = next(tmp_path.glob("w/*.tar"))
    before = kept.stat().st_mtime_ns
    (tmp_path / "w/shards.json").unlink()
    others = [path for path in tmp_path.glob("w/*.tar") if path != kept]
    others[0].unlink()
    export(dataset, tmp_path / "w", "webdataset")
    assert fingerprint(tmp_path / "w") == whole
    assert kept.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="export of something else"):
        export(dataset, tmp_path / "w", "webdataset", seed=5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="not an export"):
        export(dataset, tmp_path / "mine", "lhotse")


# ---------------------------------------------------------------- Hugging Face


def test_datasets_opens_the_folder(dataset: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    done = export(dataset, tmp_path / "h", "huggingface", shard_megabytes=1)
    opened = datasets.load_dataset(str(tmp_path / "h"), cache_dir=str(tmp_path / "cache"))
    names = {"train": "train", "valid": "validation", "test": "test"}
    assert {split: len(opened[names[split]]) for split in done.clips} == done.clips
    rows = rows_of(dataset)
    for found in opened.values():
        assert isinstance(found.features["sound_16000"], datasets.Audio)
        assert isinstance(found.features["video_21_5fps_32x24"], datasets.Video)
        plain = found.cast_column("sound_16000", datasets.Audio(decode=False))
        plain = plain.cast_column("sound_22050", datasets.Audio(decode=False))
        plain = plain.cast_column("video_21_5fps_32x24", datasets.Video(decode=False))
        for item in plain:
            made = {output["kind"]: output for output in rows[item["clip"]]["outputs"]}
            samples, rate = soundfile.read(io.BytesIO(item["sound_16000"]["bytes"]), dtype="int16")
            assert (rate, len(samples)) == (RATE, made["sound_16000"]["length"])
            mel = load_track(dataset / made["mel-specvqgan"]["path"])
            assert np.array_equal(np.array(item["mel_specvqgan"]["values"], np.float32), mel.values)
            assert np.array_equal(item["mel_specvqgan"]["centers_seconds"], mel.centers)
            assert item["mel_specvqgan"]["rate"] == "11025/128"
            flow = load_track(dataset / made["flow_25fps_32x24"]["path"])
            assert np.array_equal(np.array(item["flow_25fps_32x24"]["values"], np.uint8), flow.values)
            assert item["flow_25fps_32x24"]["valid"] == flow.valid.tolist()
            frames = item["frames_21_5fps_32x24"]
            assert (
                len(frames["frames"])
                == made["frames_21.5fps_32x24"]["length"]
                == len(frames["centers_seconds"])
            )
            assert frames["frames"][0].size == (32, 24)


# ---------------------------------------------------------------- lhotse


def test_lhotse_opens_recordings_and_word_times(dataset: Path, tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse")
    from lhotse.recipes.utils import read_manifests_if_cached

    done = export(dataset, tmp_path / "l", "lhotse", name="films")
    found = read_manifests_if_cached(list(done.clips), tmp_path / "l", prefix="films")
    assert found is not None
    assert {split: len(parts["recordings"]) for split, parts in found.items()} == done.clips
    rows = rows_of(dataset)
    checked = 0
    for parts in found.values():
        lhotse.validate(parts["recordings"], read_data=True)
        lhotse.validate(parts["supervisions"])
        for cut in lhotse.CutSet.from_manifests(**parts):
            row = rows[cut.recording.id]
            samples = cut.load_audio()[0]
            if float(row["start_seconds"]) <= CLICK < float(row["end_seconds"]):
                assert abs(np.abs(samples).argmax() / RATE + row["start_seconds"] - CLICK) < 1 / RATE
                checked += 1
            words = cut.supervisions[0].alignment
            if row["source"].endswith("bbaf2n.mkv"):
                assert [(word.symbol, word.start, word.end) for word in words["word"]] == [
                    ("bin", 0.2, 0.4),
                    ("blue", 0.4, 1.0),  # reaches over the end of the clip: cut there
                ]
                assert cut.supervisions[0].text == "bin blue"
    assert checked == 6


# ---------------------------------------------------------------- RegNet's folders


def test_the_layout_of_regnet(dataset: Path, tmp_path: Path) -> None:
    done = export(dataset, tmp_path / "r", "regnet", name="dogs")
    rows = rows_of(dataset)
    lists = {
        split: (tmp_path / f"r/dogs_{split}.txt").read_text().split()
        for split in ("train", "valid", "test", "all")
    }
    assert sorted(lists["all"]) == sorted(f"all/{clip}" for clip in rows)
    assert sorted(lists["train"] + lists["valid"] + lists["test"]) == sorted(lists["all"])
    for entry in lists["all"]:
        # The lines in which SpecVQGAN's loader builds its paths.
        place, name = entry.split("/")
        mel = np.load(
            tmp_path / f"r/dogs/features/{place}/melspec_10s_22050hz/{name}_mel.npy", allow_pickle=False
        )
        assert mel.shape == (80, 860)
        made = {output["kind"]: output for output in rows[name]["outputs"]}
        own = load_track(dataset / made["mel-specvqgan"]["path"]).values
        assert np.array_equal(mel[:, : len(own)], own.T)
        assert not mel[:, len(own) :].any()
        assert (tmp_path / f"r/dogs/videos/{place}/videos_10s_21.5fps/{name}.mp4").is_file()
    assert any("no rgb@21.5" in note for note in done.notes)
    assert any("21.533" in note for note in done.notes)
    rates = json.loads((tmp_path / "r/dogs_rates.json").read_text())
    assert Fraction(rates["mel_columns_per_second"]) / 4 == Fraction(22050, 1024)
    assert abs(rates["drift_seconds_in_10_seconds"] - 0.0155) < 1e-4


# ---------------------------------------------------------------- AV-HuBERT's manifests


@pytest.fixture(scope="module")
def mouths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with mouth crops and labels as their makers write them; no face model is needed for that."""
    folder = tmp_path_factory.mktemp("mouths")
    for k in range(4):
        film(folder / f"s/film{k}.mkv", seconds=2, seed=k)
    prepare(folder / "s", folder / "d", PrepareOptions("folder", outputs="sound@16000", clip_seconds="whole"))
    index = read_index(folder / "d/index.parquet")
    rows = index.to_pylist()
    for number, row in enumerate(rows):
        crops = np.zeros((60, 96, 96), np.uint8)
        for k in range(60):
            crops[k, :, k : k + 2] = 255  # a bar that moves by a column a frame
        valid = np.ones(60, bool)
        valid[20:22] = False
        valid[: 30 if number == 3 else 0] = False  # a face seen half of the time
        mouth = Track(crops, Grid(30, row["start"], row["clock"]), valid)
        labels = Track(np.arange(198, dtype=np.int32) % 7, Grid(100, row["start"], row["clock"]))
        for kind, track in (("mouth_96", mouth), ("kmeans-mfcc-7", labels)):
            path = folder / "d" / kind / f"{row['clip']}.npz"
            save_track(track, path)
            row["outputs"].append(
                {
                    "kind": kind,
                    "path": f"{kind}/{row['clip']}.npz",
                    "bytes": path.stat().st_size,
                    "length": len(track),
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "rate": str(track.grid.rate),
                    "start": str(track.grid.start),
                    "shape": list(track.values.shape),
                    "dtype": str(track.values.dtype),
                }
            )
    from genlock.data.index import write_index

    write_index(rows, folder / "d/index.parquet", {})
    return folder / "d"


def test_av_huberts_loader_reads_what_is_written(mouths: Path, tmp_path: Path) -> None:
    done = export(mouths, tmp_path / "a", "avhubert")
    seen = 0
    for split in done.clips:
        # As av_hubert's load_audio_visual and load_video do it.
        with open(tmp_path / f"a/{split}.tsv") as lines:
            root = lines.readline().strip()
            items = [line.strip().split("\t") for line in lines]
        labels = [line.split() for line in (tmp_path / f"a/{split}.km").read_text().splitlines()]
        assert len(labels) == len(items)
        for (_, video, sound, frames, samples), label in zip(items, labels, strict=True):
            reader = cv2.VideoCapture(str(Path(root) / video))
            pictures = []
            while (got := reader.read())[0]:
                pictures.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2GRAY))
            assert len(pictures) == int(frames) == 50
            assert pictures[0].shape == (96, 96)
            # Frame k of 25 a second shows the frame of 30 a second whose middle is nearest.
            shown = [
                int((picture.mean(axis=0)[:-1] + picture.mean(axis=0)[1:]).argmax()) for picture in pictures
            ]
            middles = [Fraction(2 * j + 1, 60) for j in range(60)]
            nearest = [
                min(range(60), key=lambda j, k=k: abs(middles[j] - Fraction(2 * k + 1, 50)))  # type: ignore[misc]
                for k in range(50)
            ]
            assert [a - b for a, b in zip(shown, nearest, strict=True) if not 19 < b < 22] == [0] * 49
            data, rate = soundfile.read(sound)
            assert (rate, len(data)) == (16000, int(samples))
            assert abs(int(frames) / 25 - len(label) / 100) < 0.1
            seen += 1
    assert seen == 3
    assert done.left_out == {"a face in less than 90 % of the time": 1}
    assert not list((tmp_path / "a").glob("*.wrd"))  # nobody says anything in these films
    assert (tmp_path / "a/dict.km.txt").read_text().splitlines()[0] == f"0 {3 * 29}"


def test_what_is_invalid_takes_the_nearest_valid_value() -> None:
    valid = np.array([False, True, False, False, True, False])
    assert filled(Track(np.arange(6), Grid(1), valid)).tolist() == [1, 1, 1, 4, 4, 4]


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "tfrecord"}, "there are: avhubert, huggingface"),
        ({"to": "avhubert"}, "needs mouth/96"),
        ({"to": "lhotse", "kinds": "mel-specvqgan"}, "lhotse needs sound"),
        ({"to": "regnet", "kinds": "sound_16000"}, "need mel:specvqgan"),
        ({"to": "webdataset", "kinds": "melody"}, "no output 'melody'"),
    ],
)
def test_what_cannot_be_exported_is_said(
    dataset: Path, tmp_path: Path, options: dict[str, str], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        export_dataset(dataset, tmp_path / "x", ExportOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("to", ["webdataset", "huggingface", "regnet"])
def test_a_damaged_output_is_not_exported(dataset: Path, tmp_path: Path, to: str) -> None:
    shutil.copytree(dataset, tmp_path / "d")
    path = sorted(tmp_path.glob("d/mel-specvqgan/??/*"))[0]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(FormatError, match="SHA-256"):
        export(tmp_path / "d", tmp_path / "x", to)
    assert {path.name for path in (tmp_path / "x").rglob(".*")} <= {".genlock-export.json"}


def test_frames_carry_their_times(dataset: Path) -> None:
    path = sorted(dataset.glob("frames_21.5fps_32x24/??/*.zip"))[0]
    with zipfile.ZipFile(path) as archive:
        cells = json.loads(archive.read("cells.json"))
    assert cells["rate"] == "43/2"


def test_names_that_cannot_be() -> None:
    cases: list[Callable[[], ExportOptions]] = [
        lambda: ExportOptions(name="a/b"),
        lambda: ExportOptions(shard_megabytes=0),
    ]
    for case in cases:
        with pytest.raises(OptionError):
            case()
