"""Recipes on small trees of the corpora's layouts, made of our own films."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.prepare.sources import film

pytest.importorskip("pyarrow")

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.track_file import load_track
from genlock.data.corpora import CorpusFolder, SourceFile, find_corpus
from genlock.data.corpora.lrs3 import read_lrs3_text
from genlock.data.corpora.sound import read_hits, read_vggsound
from genlock.data.export import ExportOptions, export_dataset
from genlock.data.index import read_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.splits import parse_shares, split_of

LRS3_TEXT = """Text:  HELLO BRAVE WORLD
Conf:  4
Ref:   aaaaaaaaaaa

WORD START END ASDSCORE
HELLO 0.11 0.42 3.1
BRAVE 0.42 0.80 2.0
WORLD 1.20 1.66 4.4
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    film(path, seconds=2)
    return path


def plant(clip: Path, folder: Path, *names: str) -> None:
    """The same film under many names; each ends in bytes of its own, so that each is another source."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
        with open(folder / name, "ab") as out:
            out.write(b"\0\0\0\x0cfree%04d" % number)


def found(recipe: str, folder: Path) -> dict[str, SourceFile]:
    return {source.path: source for source in find_corpus(recipe).sources(CorpusFolder(folder))}


def rows_of(dataset: Path) -> dict[str, Mapping[str, object]]:
    return {row["source"]: row for row in read_index(dataset / "index.parquet").to_pylist()}


# ---------------------------------------------------------------- LRS3


def test_lrs3_has_texts_word_times_and_its_own_test_split(clip: Path, tmp_path: Path) -> None:
    talks = [f"pretrain/talk{k}/00001.mp4" for k in range(6)] + [
        f"trainval/talk{k}/50001.mp4" for k in range(6)
    ]
    plant(clip, tmp_path / "s", *talks, "test/other/00001.mp4")
    for name in talks:
        (tmp_path / "s" / name).with_suffix(".txt").write_text(LRS3_TEXT)
    (tmp_path / "s/test/other/00001.txt").write_text(
        "Text:  ONLY TEXT\nConf:  3\n\nFRAME FID  X Y W H\n0 1 2 3 4\n"
    )
    options = PrepareOptions("lrs3", outputs="sound@16000", split="0.5/0.25/0.25")
    assert prepare(tmp_path / "s", tmp_path / "d", options).clips == 13
    rows = rows_of(tmp_path / "d")
    assert rows["test/other/00001.mp4"]["split"] == "test"
    assert rows["test/other/00001.mp4"]["transcript"] == "ONLY TEXT"
    for k in range(6):
        pair = rows[f"pretrain/talk{k}/00001.mp4"], rows[f"trainval/talk{k}/50001.mp4"]
        assert pair[0]["split"] == pair[1]["split"] != "test"  # a talk is in one split
        assert pair[0]["words"] == [
            {"text": "HELLO", "start_seconds": 0.11, "end_seconds": 0.42},
            {"text": "BRAVE", "start_seconds": 0.42, "end_seconds": 0.80},
            {"text": "WORLD", "start_seconds": 1.20, "end_seconds": 1.66},
        ]
    assert {row["split"] for row in rows.values()} == {"train", "valid", "test"}


@pytest.mark.parametrize(
    "text", ["", "Hello\n", "Text: A\nWORD START END\nA 1\n", "Text: A\nWORD START END\nA x y\n"]
)
def test_a_damaged_text_of_lrs3_is_told_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "00001.txt").write_text(text)
    with pytest.raises(FormatError, match=r"00001\.txt"):
        read_lrs3_text(tmp_path / "00001.txt")


def _long_text(starts: list[float]) -> str:
    rows = "".join(f"W{k} {start:.2f} {start + 0.5:.2f} 1.0\n" for k, start in enumerate(starts))
    return (
        f"Text:  {' '.join(f'W{k}' for k in range(len(starts)))}\nConf:  4\n\nWORD START END ASDSCORE\n{rows}"
    )


def test_a_long_talk_of_lrs3_is_cut_at_its_pauses_and_keeps_its_words(tmp_path: Path) -> None:
    """As published: from 15 s on, in the middle of every pause beyond 0.4 s; a short film and trainval stay whole."""
    starts = [0.5, 1.2, 4.0, 8.3, 8.9, 15.0]
    for name in ("pretrain/talk/00001", "pretrain/talk/00002", "trainval/talk/50001"):
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        film(tmp_path / "s" / f"{name}.mp4", seconds=16)
        with open(tmp_path / "s" / f"{name}.mp4", "ab") as out:
            out.write(b"\0\0\0\x0cfree" + name[-4:].encode())
        (tmp_path / "s" / f"{name}.txt").write_text(_long_text(starts[:-1] if "2" in name else starts))
    cuts = [2.85, 6.4, 12.2]
    sources = found("lrs3", tmp_path / "s")
    assert [float(cut) for cut in sources["pretrain/talk/00001.mp4"].cuts] == pytest.approx(cuts)
    assert sources["pretrain/talk/00002.mp4"].cuts == sources["trainval/talk/50001.mp4"].cuts == ()
    made = prepare(
        tmp_path / "s", tmp_path / "d", PrepareOptions("lrs3", outputs="sound@16000", split="1/0/0")
    )
    assert made.clips == 6
    rows = sorted(
        (row for row in read_index(tmp_path / "d" / "index.parquet").to_pylist() if "00001.mp4" in row["source"]
         and "pretrain" in row["source"]),
        key=lambda row: row["number"],
    )  # fmt: skip
    assert [row["transcript"] for row in rows] == ["W0 W1", "W2", "W3 W4", "W5"]
    assert [row["start_seconds"] for row in rows][1:] == pytest.approx(cuts)
    assert [row["end_seconds"] for row in rows][:-1] == pytest.approx(cuts)
    for row in rows:
        (sound,) = row["outputs"]
        assert sound["length"] / 16000 == pytest.approx(row["end_seconds"] - row["start_seconds"], abs=1e-4)


def test_the_list_of_lrs3s_valid_films_is_its_valid_split(clip: Path, tmp_path: Path) -> None:
    names = [f"trainval/talk{k}/50001.mp4" for k in range(4)]
    plant(clip, tmp_path / "s", *names, "pretrain/talk0/00001.mp4", "test/other/00001.mp4")
    (tmp_path / "s" / "lrs3-valid.id").write_text("trainval/talk1/50001\ntrainval/talk3/50001\n")
    splits = {path: source.splits for path, source in found("lrs3", tmp_path / "s").items()}
    assert {path for path, split in splits.items() if split == ("valid",)} == {names[1], names[3]}
    assert splits["pretrain/talk0/00001.mp4"] == splits[names[0]] == ("train",)
    assert splits["test/other/00001.mp4"] == ("test",)
    (tmp_path / "s" / "lrs3-valid.id").write_text("\n")
    with pytest.raises(FormatError, match="lrs3-valid.id"):
        found("lrs3", tmp_path / "s")


# ---------------------------------------------------------------- VoxCeleb2


def test_voxceleb2_keeps_speakers_and_its_test_apart(clip: Path, tmp_path: Path) -> None:
    names = [f"dev/mp4/id{k:05d}/video{j}/0000{j}.mp4" for k in range(8) for j in range(2)]
    plant(clip, tmp_path / "s", *names, "test/mp4/id00017/5MkXgwdrmJw/00001.mp4")
    (tmp_path / "s/dev/aac").mkdir()
    sources = found("voxceleb2", tmp_path / "s")
    assert len(sources) == 17
    assert sources["test/mp4/id00017/5MkXgwdrmJw/00001.mp4"].splits == ("test",)
    options = PrepareOptions("voxceleb2", outputs="sound@16000", split="0.5/0.3/0.2")
    prepare(tmp_path / "s", tmp_path / "d", options)
    splits: dict[str, set[str]] = {}
    for row in rows_of(tmp_path / "d").values():
        splits.setdefault(str(row["speaker"]), set()).add(str(row["split"]))
    assert all(len(found) == 1 for found in splits.values())
    assert [speaker for speaker, found in splits.items() if found == {"test"}] == ["id00017"]


@pytest.mark.parametrize("packed", [False, True])
def test_voxceleb2_is_in_english_where_the_list_says_what_is(
    clip: Path, tmp_path: Path, packed: bool
) -> None:
    names = [f"dev/mp4/id0000{k}/video/00001.mp4" for k in range(3)]
    plant(clip, tmp_path, *names)
    listed = f"{names[0][:-4]}\n{names[2][:-4]}\n".encode()
    name = "vox-en.id.gz" if packed else "vox-en.id"
    (tmp_path / name).write_bytes(gzip.compress(listed) if packed else listed)
    assert sorted(found("voxceleb2", tmp_path)) == [names[0], names[2]]
    (tmp_path / name).write_bytes(b"\xff\x00" if packed else b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="vox-en.id"):
        found("voxceleb2", tmp_path)


# ---------------------------------------------------------------- sound


def test_vas_is_a_folder_a_class(clip: Path, tmp_path: Path) -> None:
    plant(clip, tmp_path, "dog/video_00001.mp4", "hammer/video_00001.mp4")
    sources = found("sound", tmp_path)
    assert {path: source.label for path, source in sources.items()} == {
        "dog/video_00001.mp4": "dog",
        "hammer/video_00001.mp4": "hammer",
    }


def test_vggsound_takes_class_and_split_from_its_list(clip: Path, tmp_path: Path) -> None:
    plant(
        clip,
        tmp_path,
        "v/---g-f_I2yQ_000001.mp4",
        "v/a_23456789__30000_40000.mp4",
        "v/unlisted---_000002.mp4",
    )
    (tmp_path / "vggsound.csv").write_text(
        '---g-f_I2yQ,1,people marching,test\na_23456789_,30,"dog barking, far",train\n'
    )
    sources = found("sound", tmp_path)
    assert {path: (source.label, source.group, source.splits) for path, source in sources.items()} == {
        "v/---g-f_I2yQ_000001.mp4": ("people marching", "---g-f_I2yQ", ("test",)),
        "v/a_23456789__30000_40000.mp4": ("dog barking, far", "a_23456789_", ("train", "valid")),
        "v/unlisted---_000002.mp4": ("", "unlisted---", ("train", "valid")),
    }
    (tmp_path / "vggsound.csv").write_text("---g-f_I2yQ,1,people marching\n")
    with pytest.raises(FormatError, match="id,start,class,split"):
        found("sound", tmp_path)
    with pytest.raises(FormatError, match="vggsound"):
        read_vggsound(tmp_path / "v")


def test_greatest_hits_have_their_hits(clip: Path, tmp_path: Path) -> None:
    first, second = "vis-data/2015-02-16-16-49-06", "vis-data/2015-03-25-00-40-07"
    plant(
        clip,
        tmp_path / "s",
        f"{first}_denoised.mp4",
        f"{first}_mic.mp4",
        f"{first}_mask.mp4",
        f"{second}_mic.mp4",
    )
    (tmp_path / f"s/{first}_denoised_times.txt").write_text(
        "0.25 wood hit static\n\n1.5 None scratch deform\n"
    )
    (tmp_path / f"s/{second}_times.txt").write_text("0.5 metal hit static\n")
    (tmp_path / "s/vis-data/train.txt").write_text("2015-02-16-16-49-06\n")
    (tmp_path / "s/vis-data/test.txt").write_text("2015-03-25-00-40-07\n")
    options = PrepareOptions("sound", clip_seconds="1", split="1/0/0")
    prepare(tmp_path / "s", tmp_path / "d", options)
    rows = {
        row["clip"][-5:] + str(row["source"])[9:29]: row
        for row in read_index(tmp_path / "d/index.parquet").to_pylist()
    }
    assert {name: row["events"] for name, row in rows.items() if row["events"]} == {
        "000002015-02-16-16-49-06_": [{"label": "wood hit static", "at_seconds": 0.25, "more": None}],
        "000012015-02-16-16-49-06_": [{"label": "None scratch deform", "at_seconds": 1.5, "more": None}],
        "000002015-03-25-00-40-07_": [{"label": "metal hit static", "at_seconds": 0.5, "more": None}],
    }
    assert {row["split"] for row in rows.values() if "2015-02" in row["source"]} == {"train"}
    assert {row["split"] for row in rows.values() if "2015-03" in row["source"]} == {"test"}
    assert {row["source"] for row in rows.values()} == {f"{first}_denoised.mp4", f"{second}_mic.mp4"}
    (tmp_path / "bad_times.txt").write_text("at once wood\n")
    with pytest.raises(FormatError, match="bad_times"):
        read_hits(tmp_path / "bad_times.txt")


def test_folders_of_something_else_are_told(clip: Path, tmp_path: Path) -> None:
    plant(clip, tmp_path, "films/a.mp4")
    with pytest.raises(InputError, match="LRS3"):
        found("lrs3", tmp_path)
    with pytest.raises(InputError, match="VoxCeleb2"):
        found("voxceleb2", tmp_path)


def test_a_group_falls_only_into_the_splits_that_its_corpus_allows() -> None:
    shares = parse_shares("0.8/0.1/0.1")
    drawn = [split_of(f"g{k}", shares, 0, ("train", "valid")) for k in range(900)]
    assert set(drawn) == {"train", "valid"}
    assert 60 < drawn.count("valid") < 140  # a ninth
    assert {split_of(f"g{k}", shares, 0, ("test",)) for k in range(20)} == {"test"}
    assert {split_of(f"g{k}", parse_shares("0/0/1"), 0, ("train", "valid")) for k in range(9)} == {"valid"}


# ---------------------------------------------------------------- faces


def test_a_face_without_pose_and_av_huberts_files(shared_data: Path, tmp_path: Path) -> None:
    """Real GRID clips laid out as LRS3: landmarks upright, mouth crops, and what AV-HuBERT's tools read."""
    films = sorted((shared_data / "grid_s1/video").rglob("*.mpg"))[:2]
    for number, path in enumerate(films):
        target = tmp_path / f"s/trainval/talk{number}/00001.mp4"
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
        target.with_suffix(".txt").write_text("Text:  BIN BLUE\n")
    outputs = "sound@16000,mouth/96,landmarks:upright,landmarks"
    options = PrepareOptions("lrs3", outputs=outputs, split="1/0/0")
    prepare(tmp_path / "s", tmp_path / "d", options)
    for row in rows_of(tmp_path / "d").values():
        made = {output["kind"]: output for output in row["outputs"]}  # type: ignore[attr-defined]
        upright = load_track(tmp_path / "d" / made["landmarks-upright"]["path"])
        pixels = load_track(tmp_path / "d" / made["landmarks"]["path"])
        lips = load_track(tmp_path / "d" / made["lips"]["path"])
        assert upright.values.shape == (75, 468, 2)
        assert np.array_equal(upright.valid, pixels.valid)
        from genlock.extractors.face.mouth import LIPS

        # Lips are seen in space, upright landmarks in the plane: alike on a face that looks ahead.
        apart = np.abs(upright.values[:, list(LIPS)] - lips.values)[upright.valid]
        assert 0 < apart.mean() < 0.05
        # Outer corners of the eyes lie one apart and level; in pixels they move with the head.
        corners = upright.values[upright.valid][:, 263] - upright.values[upright.valid][:, 33]
        assert abs(np.hypot(*corners.T).mean() - 1) < 0.1
        assert np.abs(np.arctan2(corners[:, 1], corners[:, 0])).max() < 0.1
    done = export_dataset(tmp_path / "d", tmp_path / "a", ExportOptions("avhubert"))
    assert done.clips == {"train": 2}
    lines = (tmp_path / "a/train.tsv").read_text().splitlines()
    assert lines[0] == "/"
    assert [line.split("\t")[3] for line in lines[1:]] == ["75", "75"]
    assert (tmp_path / "a/train.wrd").read_text() == "bin blue\nbin blue\n"


def test_variants_of_faces() -> None:
    for text in ("landmarks:sideways", "mouth:upright/96", "landmarks:upright/96"):
        with pytest.raises(OptionError, match="no preset|takes no /"):
            prepare(Path("."), "nowhere", PrepareOptions(outputs=text))


@pytest.mark.slow
def test_a_film_to_everything_that_regnet_trains_from(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from genlock.models.bninception import BNInception

    torch.manual_seed(0)
    save_file(
        {name: value.contiguous() for name, value in BNInception().state_dict().items()},
        str(tmp_path / "w.safetensors"),
    )
    film(tmp_path / "s/dog/a.mp4", seconds=1)
    options = PrepareOptions(
        "sound",
        outputs=f"mel:specvqgan,rgb:regnet:{tmp_path}/w.safetensors@21.5,flow-features:{tmp_path}/w.safetensors@21.5",
        split="1/0/0",
    )
    result = prepare(tmp_path / "s", tmp_path / "d", options)
    assert result.quarantined == ()
    done = export_dataset(tmp_path / "d", tmp_path / "r", ExportOptions("regnet", name="vas"))
    name = (tmp_path / "r/vas_train.txt").read_text().strip().removeprefix("dog/")
    folder = tmp_path / "r/vas/features/dog"
    assert np.load(folder / f"melspec_10s_22050hz/{name}_mel.npy").shape == (80, 860)
    for kind in ("rgb", "flow"):
        rows = np.load(folder / f"feature_{kind}_bninception_dim1024_21.5fps/{name}.npy")
        assert rows.shape == (21, 1024)
        assert rows.any(axis=1).all()  # the flow before the first frame is filled with the next
    assert sum("pickle.load" in note for note in done.notes) == 1
