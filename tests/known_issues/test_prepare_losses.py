"""What ``genlock prepare`` and ``genlock export`` once lost, overwrote or guessed without a word."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.prepare.sources import film, fingerprint

pytest.importorskip("pyarrow")

from genlock.cli import main
from genlock.core.errors import InputError, OptionError
from genlock.data.corpora import CorpusFolder, find_corpus
from genlock.data.export import ExportOptions, export_dataset
from genlock.data.index import read_index
from genlock.data.ledger import Ledger
from genlock.data.prepare import PrepareOptions, dataset_progress, prepare
from genlock.data.splits import Member, draw_splits, parse_shares

SPEECH = PrepareOptions("speech", outputs="sound@16000", workers=1)


def sound(path: Path, seed: int = 0, seconds: float = 1.0) -> Path:
    """Noise of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal(round(16000 * seconds))
    soundfile.write(path, samples, 16000)
    return path


def rows(dataset: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in read_index(dataset / "index.parquet").to_pylist()]


def written(dataset: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(dataset.glob("*/??/*"))}


# ---------------------------------------------------------------- outputs stay


def test_one_more_output_leaves_the_others_alone_and_gives_the_dataset_of_both_at_once(
    tmp_path: Path,
) -> None:
    """``--outputs mel`` after ``--outputs sound@16000`` removed the sound; it recomputed everything, too."""
    for k in range(2):
        sound(tmp_path / f"s/a{k}.wav", k)
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    before = written(tmp_path / "d")
    assert len(before) == 2
    made = prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, outputs="mel"))
    assert {path: time for path, time in written(tmp_path / "d").items() if path in before} == before
    assert [sorted(made["kind"] for made in row["outputs"]) for row in rows(tmp_path / "d")] == [
        ["mel", "sound_16000"]
    ] * 2
    assert made.notes == ()  # nothing was made again
    prepare(tmp_path / "s", tmp_path / "both", replace(SPEECH, outputs="mel,sound@16000"))
    assert fingerprint(tmp_path / "d") == fingerprint(tmp_path / "both")
    # Nothing asked for: what the dataset has; asked to replace: only that.
    prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, recipe=None, outputs=None))
    assert fingerprint(tmp_path / "d") == fingerprint(tmp_path / "both")
    prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, outputs="mel", replace=True))
    assert not (tmp_path / "d/sound_16000").exists()


def test_what_would_throw_away_what_was_made_is_refused_by_name(tmp_path: Path) -> None:
    sound(tmp_path / "s/a.wav")
    film(tmp_path / "s/b.mkv", seconds=1)
    sound(tmp_path / "other/z.wav", 1)
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    before = fingerprint(tmp_path / "d")
    for wrong, said in (
        (replace(SPEECH, clip_seconds="0.5"), "--clip-seconds 0.5: the dataset was begun with whole"),
        (replace(SPEECH, recipe="folder"), "--recipe folder: the dataset was begun with speech"),
        (replace(SPEECH, keep_tails=False), "sound@16000 would be lost"),
    ):
        with pytest.raises(OptionError, match=said):
            prepare(tmp_path / "s", tmp_path / "d", wrong)
    with pytest.raises(InputError, match="none of the 2 sources of the dataset lies in"):
        prepare(tmp_path / "other", tmp_path / "d", SPEECH)
    assert fingerprint(tmp_path / "d") == before


def test_an_output_that_cannot_be_made_takes_nothing_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more output that fails on a source put the whole source into quarantine, what it had included."""
    film(tmp_path / "s/a.mkv", seconds=1, events=tuple(k / 25 + 0.001 for k in range(25)))
    options = PrepareOptions("folder", outputs="sound@16000", clip_seconds="whole", workers=1)
    prepare(tmp_path / "s", tmp_path / "d", options)
    more = replace(options, outputs="rgb:tests.prepare.hostile:crash@25/32x24")
    made = prepare(tmp_path / "s", tmp_path / "d", more)
    assert made.progress.counts == {"done": 0, "pending": 0, "quarantined": 0, "incomplete": 1}
    assert made.progress.reasons == {"crashed its reader: signal 6 (SIGABRT)": 1}
    assert [(row["status"], len(row["outputs"] or ())) for row in rows(tmp_path / "d")] == [
        ("quarantined", 0),
        ("done", 1),
    ]


def test_a_ledger_of_before_is_gone_on_with(tmp_path: Path) -> None:
    """Schema 1 kept one plan for all outputs."""
    sound(tmp_path / "s/a.wav")
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    before = written(tmp_path / "d")
    with sqlite3.connect(tmp_path / "d/.genlock/ledger.sqlite") as file:
        from genlock import __version__
        from genlock.data.one_source import DATA_VERSION

        plan = (
            f'{{"clip_seconds": null, "data_version": {DATA_VERSION}, "flow_weights": null, "genlock": '
            f'"{__version__}", "keep_tails": true, "model": null, "outputs": ["sound@16000"], "weights": null}}'
        )
        for column in ("kind", "made", "failed", "listed"):
            file.execute(f"alter table items drop column {column}")
        file.execute("update items set plan = ?", (plan,))
        file.execute("update facts set value = '1' where name = 'schema'")
        file.execute("delete from facts where name = 'settings'")
    prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, recipe=None, outputs="mel"))
    assert {path: time for path, time in written(tmp_path / "d").items() if path in before} == before


def test_other_weights_of_the_same_name_make_their_outputs_again(tmp_path: Path) -> None:
    """The plan held the path of weights, and not what lies there."""
    from genlock.data.plans import content_of_weights

    (tmp_path / "w").write_bytes(b"1")
    first = content_of_weights(str(tmp_path / "w"))
    (tmp_path / "w").write_bytes(b"2")
    assert content_of_weights(str(tmp_path / "w")) != first


# ---------------------------------------------------------------- what is a source


def test_a_dataset_inside_its_source_is_no_source(tmp_path: Path) -> None:
    film(tmp_path / "s/a.mkv", seconds=1)
    options = PrepareOptions("folder", outputs="video@25/32x24", clip_seconds="whole", workers=1)
    counts = [prepare(tmp_path / "s", tmp_path / "s/d", options).clips for _ in range(2)]
    assert counts == [1, 1]
    export_dataset(tmp_path / "s/d", tmp_path / "s/x", ExportOptions("webdataset"))
    (tmp_path / "s/d/.genlock/ledger.sqlite").rename(tmp_path / "ledger")  # a copy without hidden files
    listed = CorpusFolder(tmp_path / "s")
    assert [source.path for source in find_corpus("folder").sources(listed)] == ["a.mkv"]
    assert [(one.path, one.kind) for one in listed.left_out] == [
        ("d", "folder made by genlock"),
        ("x", "folder made by genlock"),
    ]
    with pytest.raises(InputError, match="was made by genlock from a corpus"):
        prepare(tmp_path / "s/d", tmp_path / "again", options)


def test_a_point_is_named_after_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(tmp_path / "s/a.wav")
    monkeypatch.chdir(tmp_path / "s")
    assert main(["prepare", ".", "--recipe", "speech", "--outputs", "sound@16000"]) == 0
    assert (tmp_path / "s.dataset/index.parquet").is_file()
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["a.wav"]


def test_a_name_that_is_not_utf_8_is_a_name(tmp_path: Path) -> None:
    """One file of an old archive ended the run with a traceback; as folder it is a class or a speaker, too."""
    sound(tmp_path / "s/good.wav", 1)
    folder = os.fsencode(tmp_path / "s") + b"/r\xe9sum\xe9"
    os.mkdir(folder)
    shutil.copy(sound(tmp_path / "x.wav", 2), folder + b"/caf\xe9.wav")
    made = prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    assert (made.clips, made.quarantined) == (2, ())
    found = {row["source"]: row["speaker"] for row in rows(tmp_path / "d")}
    assert found == {"good.wav": "", "r\\xe9sum\\xe9/caf\\xe9.wav": "r\\xe9sum\\xe9"}
    str(made).encode()
    assert prepare(tmp_path / "s", tmp_path / "d", SPEECH).notes == ()


def test_linked_folders_are_followed_once_and_broken_links_are_named(tmp_path: Path) -> None:
    sound(tmp_path / "s/part1/a.wav", 1)
    sound(tmp_path / "disk2/b.wav", 2)
    (tmp_path / "s/part2").symlink_to(tmp_path / "disk2")
    (tmp_path / "s/part3").symlink_to(tmp_path / "disk2")
    (tmp_path / "s/part1/loop").symlink_to(tmp_path / "s")
    (tmp_path / "disk2/up").symlink_to(tmp_path)
    (tmp_path / "s/part4").symlink_to(tmp_path / "disk4")
    (tmp_path / "s/gone.wav").symlink_to("nowhere.wav")
    made = prepare(tmp_path / "s", tmp_path / "s/d", SPEECH)
    assert sorted(row["source"] for row in rows(tmp_path / "s/d") if row["status"] == "done") == [
        "part1/a.wav",
        "part2/b.wav",
    ]
    assert made.progress.reasons == {"broken link": 1}
    assert [name for name, _ in made.quarantined] == ["gone.wav"]
    assert made.left_out_counts["linked folder that is listed already"] >= 2
    assert [one.path for one in made.left_out if one.kind == "broken link"] == ["part4"]
    sound(tmp_path / "s/nowhere.wav", 3)  # the link leads somewhere now, and to a copy
    again = prepare(tmp_path / "s", tmp_path / "s/d", SPEECH)
    assert (again.clips, again.quarantined, again.copies) == (4, (), (("nowhere.wav", "gone.wav"),))


def test_media_that_the_recipe_does_not_take_are_counted(tmp_path: Path) -> None:
    film(tmp_path / "s/a.mkv", seconds=1)
    sound(tmp_path / "s/b.wav")
    listed = CorpusFolder(tmp_path / "s")
    listed.not_taken(
        [source.path for source in find_corpus("folder").sources(listed)], {".mkv", ".wav"}, "folder"
    )
    assert [(one.path, one.kind) for one in listed.left_out] == [
        ("b.wav", ".wav file that the recipe 'folder' does not take")
    ]


# ---------------------------------------------------------------- texts


def test_one_bad_text_costs_its_own_source(tmp_path: Path) -> None:
    """A byte-order mark refused the whole corpus; so did any text that is not UTF-8."""
    texts = {
        "marked": b"\xef\xbb\xbfText:  BIN BLUE\nConf:  4\n",
        "wide": "Text:  BIN RED\n".encode("utf-16"),
        "latin": b"Text:  CAF\xc9\n",
        "cut": b"Te",
        "plain": b"Text:  PLACE RED\n",
    }
    for name, data in texts.items():
        path = tmp_path / f"s/trainval/{name}/00001.mp4"
        path.parent.mkdir(parents=True)
        path.touch()
        path.with_suffix(".txt").write_bytes(data)
    sources = {
        source.path.split("/")[1]: source
        for source in find_corpus("lrs3").sources(CorpusFolder(tmp_path / "s"))
    }
    assert {name: source.transcript for name, source in sources.items() if not source.trouble} == {
        "marked": "BIN BLUE",
        "wide": "BIN RED",
        "plain": "PLACE RED",
    }
    assert {name for name, source in sources.items() if source.trouble} == {"latin", "cut"}


def test_a_source_with_a_bad_text_comes_back_with_what_was_made_of_it(tmp_path: Path) -> None:
    sound(tmp_path / "s/a.wav", 1)
    sound(tmp_path / "s/b.wav", 2)
    text = tmp_path / "s/a.txt"
    text.write_text("hello world")
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    before = written(tmp_path / "d")
    text.write_bytes(b"caf\xe9")
    made = prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    assert (made.clips, made.progress.reasons) == (1, {"text that cannot be used": 1})
    assert "'a.txt' cannot be read: byte 3 is no UTF-8; save it as UTF-8" in made.quarantined[0][1]
    text.write_text("caf\u00e9", encoding="utf-8")
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    assert [row["transcript"] for row in rows(tmp_path / "d")] == ["caf\u00e9", None]
    assert written(tmp_path / "d") == before


def test_each_cut_clip_has_its_own_words(tmp_path: Path) -> None:
    """Every clip of one second had the sentence of three."""
    path = sound(tmp_path / "s/s1/bbaf2n.wav", seconds=3)
    (path.parent.parent / "align").mkdir()
    times = "0 10000 sil\n10000 20000 bin\n24000 30000 blue\n30000 40000 at\n"
    (tmp_path / "s/align/bbaf2n.align").write_text(times)
    sound(tmp_path / "s/s2/b.wav", 1, seconds=3).with_suffix(".txt").write_text("nobody knows when")
    sound(tmp_path / "s/s3/c.wav", 2, seconds=1).with_suffix(".txt").write_text("a whole one")
    prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, clip_seconds="1"))
    found = [(row["source"], row["whole"], row["transcript"]) for row in rows(tmp_path / "d")]
    assert sorted(found, key=lambda row: row[0]) == [
        ("s1/bbaf2n.wav", False, "bin blue"),
        ("s1/bbaf2n.wav", False, "at"),
        ("s1/bbaf2n.wav", False, None),
        *[("s2/b.wav", False, None)] * 3,
        ("s3/c.wav", True, "a whole one"),
    ]
    counts = {(row["sound_rate"], row["sound_samples"], row["frames"]) for row in rows(tmp_path / "d")}
    assert counts == {(16000, 16000, None)}


def test_a_folder_of_speech_is_found_whatever_its_layout(tmp_path: Path) -> None:
    """One finder: a list, LibriSpeech, LRS3's tables, GRID's times and names, a text beside a sound."""
    place = tmp_path / "s"
    for name in (
        "libri/19/198/19-198-0001.wav",
        "listed/a.wav",
        "talk/1.wav",
        "s4/bbaf2n.wav",
        "vctk/p1/x.wav",
    ):
        sound(place / name, len(name))
    (place / "libri/19/198/19-198.trans.txt").write_text("19-198-0001 NORTHANGER ABBEY\n19-198-0002 LOST\n")
    (place / "transcripts.tsv").write_text("listed/a\tfrom a list\nnonsense\n")
    (place / "talk/1.txt").write_text(
        "Text:  BIN BLUE\nConf: 5\n\nWORD START END\nBIN 0.1 0.2\nBLUE 0.2 0.4\n"
    )
    (place / "vctk/p1/x.txt").write_text("beside it")
    listed = CorpusFolder(place)
    found = {source.path: source for source in find_corpus("speech").sources(listed)}
    assert {path: (source.transcript, source.speaker) for path, source in found.items()} == {
        "libri/19/198/19-198-0001.wav": ("NORTHANGER ABBEY", "19"),
        "listed/a.wav": ("from a list", "listed"),
        "talk/1.wav": ("BIN BLUE", "talk"),
        "s4/bbaf2n.wav": ("bin blue at f two now", "s4"),
        "vctk/p1/x.wav": ("beside it", "vctk"),
    }
    assert [word["text"] for word in found["talk/1.wav"].words] == ["BIN", "BLUE"]
    assert {one.kind for one in listed.left_out} == {"text without its sound", "line without a text"}


# ---------------------------------------------------------------- splits


def test_one_content_is_in_one_split_whatever_its_groups(tmp_path: Path) -> None:
    first = sound(tmp_path / "s/s0/a.wav", 7)
    for k in range(1, 12):
        (tmp_path / f"s/s{k}").mkdir()
        shutil.copy(first, tmp_path / f"s/s{k}/copy.wav")
    samples, rate = soundfile.read(first)
    soundfile.write(tmp_path / "s/s0/a.flac", samples, rate)  # the same sound in another wrapping
    sound(tmp_path / "s/s3/own.wav", 8)
    made = prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    assert len({row["split"] for row in rows(tmp_path / "d")}) == 1
    assert made.copy_count == 12
    assert made.copies[0] == ("s0/a.wav", "s0/a.flac")
    assert "copies 12:" in str(made)
    assert dataset_progress(tmp_path / "d").to_dict()["copy_count"] == 12
    assert {row["copy_of"] for row in rows(tmp_path / "d")} == {"", "s0/a.flac"}


def test_a_group_is_in_one_split_and_official_tests_stay_tests() -> None:
    shares = parse_shares("0.5/0.25/0.25")
    members = [Member(f"g{k % 40}", (f"c{k % 35}",)) for k in range(200)]
    found = draw_splits(members, shares, 3)
    for of in (lambda member: member.group, lambda member: member.contents[0]):
        splits: dict[str, set[str]] = {}
        for member, split in zip(members, found, strict=True):
            splits.setdefault(of(member), set()).add(split)
        assert {len(seen) for seen in splits.values()} == {1}
    assert found == draw_splits(members, shares, 3)
    alone = [Member(f"g{k}", (f"c{k}",)) for k in range(300)]
    assert draw_splits(alone[:100], shares, 3) == draw_splits(alone, shares, 3)[:100]
    assert set(draw_splits(alone, shares, 3)) == {"train", "valid", "test"}
    official = [
        Member("a", ("x",), ("train", "valid")),
        Member("b", ("x",), ("test",)),
        Member("a", ("y",), ("train",)),
    ]
    assert draw_splits(official, shares, 3) == ["test", "test", "train"]


# ---------------------------------------------------------------- what is told


def test_reasons_are_counted_by_kind_and_not_by_path(tmp_path: Path) -> None:
    sound(tmp_path / "s/a.wav")
    for k in range(3):
        (tmp_path / f"s/empty{k}.wav").write_bytes(b"")
        (tmp_path / f"s/page{k}.mp4").write_text("<html>403</html>")
    made = prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    assert sorted(made.progress.reasons.values()) == [3, 3]
    lines = str(dataset_progress(tmp_path / "d")).splitlines()
    assert len([line for line in lines if line.startswith("quarantined")]) == 2
    found = rows(tmp_path / "d")
    assert {row["reason_kind"] for row in found} == {"", *made.progress.reasons}
    assert not any(str(tmp_path) in row["reason"] for row in found)


def test_a_run_that_makes_nothing_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/empty.wav").write_bytes(b"")
    assert main(["prepare", str(tmp_path / "s"), "--recipe", "speech", "--outputs", "sound@16000"]) == 2


def test_an_export_counts_what_it_writes_and_what_it_leaves_out(tmp_path: Path) -> None:
    """Three films without a face were "clips: train 3", in files without a line."""
    film(tmp_path / "s/silent.mkv", seconds=1, sound=False)
    film(tmp_path / "s/a.mkv", seconds=1, seed=3)
    (tmp_path / "s/broken.mkv").write_bytes(b"")
    options = PrepareOptions("folder", outputs="sound@16000,mouth/96", clip_seconds="whole", split="1/0/0")
    prepare(tmp_path / "s", tmp_path / "d", options)
    with pytest.raises(InputError, match="nothing to export of the 2 clips of .*no sound in 1"):
        export_dataset(tmp_path / "d", tmp_path / "x", ExportOptions("avhubert"))
    assert not (tmp_path / "x").exists()
    done = export_dataset(tmp_path / "d", tmp_path / "l", ExportOptions("lhotse"))
    assert done.clips == {"train": 1}
    assert done.left_out == {"in quarantine: is empty (zero bytes)": 1, "no sound_16000": 1}
    assert "left out 1 x no sound_16000" in str(done)
    shards = export_dataset(tmp_path / "d", tmp_path / "w", ExportOptions("webdataset"))
    assert (shards.clips, "1 of 2 clips have no sound_16000" in shards.notes) == ({"train": 2}, True)


def test_an_index_of_before_opens_with_the_words_of_each_clip(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sound(tmp_path / "s/a.wav", seconds=2).with_suffix(".txt").write_text("a sentence")
    prepare(tmp_path / "s", tmp_path / "d", replace(SPEECH, clip_seconds="1"))
    table = read_index(tmp_path / "d/index.parquet")
    old = [
        name
        for name in table.column_names
        if name not in ("whole", "reason_kind", "damage", "copy_of", "frames")
    ]
    again = table.select([name for name in old if not name.startswith("sound_")])
    spoken = pa.array(["a sentence"] * 2)
    again = again.set_column(again.column_names.index("transcript"), "transcript", spoken)
    about = {**(table.schema.metadata or {}), b"genlock_schema": b"1"}
    pq.write_table(again.replace_schema_metadata(about), tmp_path / "old.parquet")
    assert [row["transcript"] for row in read_index(tmp_path / "old.parquet").to_pylist()] == [None, None]


def test_the_ledger_of_a_dataset_says_what_its_outputs_are(tmp_path: Path) -> None:
    sound(tmp_path / "s/a.wav")
    prepare(tmp_path / "s", tmp_path / "d", SPEECH)
    with Ledger(tmp_path / "d/.genlock/ledger.sqlite") as ledger:
        assert ledger.outputs_made() == ["sound@16000"]
        assert ledger.paths() == ["a.wav"]
