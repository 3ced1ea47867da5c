"""From ``genlock prepare`` to ``genlock train``: the index's texts and splits are used, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("accelerate")
pytest.importorskip("pyarrow")

from tests.lipsync.planted import talker

from genlock.cli import main
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Ticks
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.data.export import ExportOptions, export_dataset
from genlock.data.index import read_index, write_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import ClipSet
from genlock.lipsync.evidence.base import Evidence
from genlock.train.datasets import open_datasets
from genlock.train.lipsync.films import NEEDS, evidence_of, open_films
from genlock.train.lipsync.linear import train_on
from genlock.train.lipsync.tower import train_tower_on
from genlock.train.options import CtcTraining, LoopOptions, SyncTraining, TowerTraining, Wav2Vec2Training
from genlock.train.speech.ctc import train_ctc
from genlock.train.speech.utterances import Speech, Utterances
from genlock.train.speech.wav2vec2 import pretrain

QUICK = LoopOptions(steps=3, save_every=3, evaluate_every=3, threads=1)


# ---------------------------------------------------------------- a dataset of faces that is all numbers


def _faces(target: Path, films: list[tuple[str, Evidence]]) -> Path:
    """A dataset of planted talkers: sound whose bands follow the lips, and the lips."""
    rows = []
    for name, (split, film) in zip((f"clip{k:02}" for k in range(len(films))), films, strict=True):
        assert film.mel is not None
        lips = film.faces[0].lips
        sound = (0.05 * np.random.default_rng(int(name[4:])).standard_normal(48000)).astype(np.float32)
        moves = np.interp(np.arange(48000) / 16000, film.mel.centers, film.mel.values.mean(axis=1) - 10)
        wave, track = target / f"sound_16000/{name}.wav", target / f"lips/{name}.npz"
        for path in (wave, track):
            path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(wave, sound * np.exp(moves), 16000, subtype="PCM_16")
        save_track(lips, track)
        outputs = [
            _made(target, wave, "sound_16000", 48000, "16000", "-1/32000"),
            _made(target, track, "lips", len(lips), None, "0"),
        ]
        about = {"source": f"{name}.mp4", "source_sha256": name, "clock": "media", "number": 0, "tail": False}
        words = [{"text": "bin", "start_seconds": 0.5, "end_seconds": 0.9}]
        said = {"transcript": "bin blue at f two now", "words": words, "speaker": "", "group": name}
        span = {"start": "0", "end": "3", "start_seconds": 0.0, "end_seconds": 3.0}
        rows.append(
            {
                "clip": name,
                "status": "done",
                "reason": "",
                "split": split,
                "outputs": outputs,
                **about,
                **said,
                **span,
            }
        )
    write_index(rows, target / "index.parquet", {})
    about_set = {"genlock_schema": 1, "kind": "dataset", "kinds": ["lips", "sound_16000"], "group": "source"}
    (target / "dataset.json").write_text(json.dumps(about_set))
    return target


def _made(target: Path, path: Path, kind: str, length: int, rate: str | None, start: str) -> dict[str, Any]:
    data = path.read_bytes()
    return {
        "kind": kind,
        "path": path.relative_to(target).as_posix(),
        "rate": rate,
        "start": start,
        "length": length,
        "valid": length,
        "bytes": len(data),
        "more": "{}",
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _split_of(number: int) -> str:
    return "test" if number % 4 == 3 else "valid" if number % 4 == 2 else "train"


def _plain(folder: Path, held: str = "plain") -> Path:
    """24 clips; those of ``test`` are of another kind if they are poisoned: other sound, other lips."""
    films = []
    for number in range(24):
        split = _split_of(number)
        poisoned = held == "poisoned" and split == "test"
        films.append(
            (split, talker(3, seed=number + (1000 if poisoned else 0), noise=5.0 if poisoned else 0.3))
        )
    return _faces(folder, films)


def _ctc(dataset: Path, run: Path) -> Any:
    train_ctc([dataset], run, CtcTraining(shape="micro", batch_seconds=12), QUICK)
    return _log(run)


def _wav2vec2(dataset: Path, run: Path) -> Any:
    training = Wav2Vec2Training(shape="micro", batch_seconds=12, negatives=10, codes=16)
    pretrain([dataset], run, training, QUICK)
    return _log(run)


def _sync(dataset: Path, run: Path) -> Any:
    films = open_films([dataset], run)
    made = train_on(films.parts, run, SyncTraining(trials=100, rounds=1), notes=films.notes)
    with np.load(made.path) as arrays:
        return {name: arrays[name].tolist() for name in arrays.files if name != "header"}


def _tower(dataset: Path, run: Path) -> Any:
    films = open_films([dataset], run)
    train_tower_on(
        films.parts, run, TowerTraining(batch=4, trials=100, most_shift_seconds=10), QUICK, notes=films.notes
    )
    return _log(run / "run")


def _log(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("elapsed_seconds", "left_seconds")} for row in rows]


#: Those of sync calibrate themselves, which takes a minute each.
RECIPES = [_ctc, _wav2vec2, *(pytest.param(recipe, marks=pytest.mark.slow) for recipe in (_sync, _tower))]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_test_clip_is_never_trained_on(recipe: Callable[[Path, Path], Any], tmp_path: Path) -> None:
    """Poisoned test clips change nothing that is learnt; the same clips in ``train`` do, so the poison works."""
    plain, poisoned = _plain(tmp_path / "plain"), _plain(tmp_path / "poisoned", "poisoned")
    learnt = recipe(plain, tmp_path / "run")
    assert recipe(poisoned, tmp_path / "run-poisoned") == learnt
    rows = read_index(poisoned / "index.parquet").to_pylist()
    for row in rows:
        row["split"] = "valid" if row["split"] == "valid" else "train"
    write_index(rows, poisoned / "index.parquet", {})
    assert recipe(poisoned, tmp_path / "run-taken") != learnt


@pytest.mark.slow
def test_towers_say_what_the_loop_has_to_say(tmp_path: Path) -> None:
    dataset, run = _plain(tmp_path / "ds"), tmp_path / "run"
    _tower(dataset, run)
    films = open_films([dataset], run)
    training = TowerTraining(batch=4, trials=100, most_shift_seconds=10)
    made = train_tower_on(films.parts, run, training, replace(QUICK, steps=2), notes=films.notes)
    assert "the run has done 3 steps already, more than 2: nothing was trained" in made.notes
    assert set(films.notes) <= set(made.notes)


def test_a_test_clip_in_another_dataset_is_not_trained_on(tmp_path: Path) -> None:
    """The same film, in ``test`` of one dataset and in ``train`` of the other."""
    one = _plain(tmp_path / "one")
    other = shutil.copytree(one, tmp_path / "other")
    rows = read_index(other / "index.parquet").to_pylist()
    for row in rows:
        row["split"] = "train"
    write_index(rows, other / "index.parquet", {})
    held = [row["clip"] for row in read_index(one / "index.parquet").to_pylist() if row["split"] != "train"]
    speech = Speech.open([one, other])
    assert not set(held) & set(speech.train.names)
    assert {name for name, reason in speech.left_out if "held out" in reason} == set(held)


def test_texts_words_and_splits_of_the_index_are_used(tmp_path: Path) -> None:
    dataset = _plain(tmp_path / "ds")
    train_ctc(
        [dataset], tmp_path / "run", CtcTraining(shape="micro", batch_seconds=12, word_times=1.0), QUICK
    )
    settings = json.loads((tmp_path / "run/run.json").read_text())["settings"]
    assert (settings["clips"], settings["characters"]) == (12, "|abefilnotuw")
    assert "frame" in _log(tmp_path / "run")[0]
    utterances = Utterances.open([dataset], "test")
    assert utterances.names == tuple(f"clip{k:02}" for k in range(24) if k % 4 == 3)
    assert utterances.words[0] == (("bin", pytest.approx(0.5), pytest.approx(0.9)),)


def test_shards_train_the_same_model(tmp_path: Path) -> None:
    dataset = _plain(tmp_path / "ds")
    export_dataset(dataset, tmp_path / "shards", ExportOptions(shard_megabytes=1))
    assert _wav2vec2(dataset, tmp_path / "run") == _wav2vec2(tmp_path / "shards", tmp_path / "run-shards")


def test_a_dataset_that_lacks_an_output_is_refused_with_the_command(tmp_path: Path) -> None:
    dataset = _plain(tmp_path / "d s")
    about = dataset / "dataset.json"
    about.write_text(about.read_text().replace('"lips", ', ""))
    with pytest.raises(InputError) as told:
        open_films([dataset], tmp_path / "run")
    assert f"genlock prepare SOURCE -o '{dataset}' --outputs landmarks:lips" in str(told.value)
    assert "has no lips" in str(told.value)
    (dataset / "index.parquet").unlink()
    (dataset / ".genlock").mkdir()
    (dataset / ".genlock/ledger.sqlite").touch()
    with pytest.raises(InputError, match="is not finished"):
        open_films([dataset], tmp_path / "run")
    with pytest.raises(InputError, match="there is no folder"):
        open_films([tmp_path / "nowhere"], tmp_path / "run")
    with pytest.raises(InputError, match="what to learn from"):
        open_datasets([], tmp_path / "run", NEEDS)
    with pytest.raises(OptionError, match="--group speaker"):
        train_ctc([_plain(tmp_path / "x")], tmp_path / "run", CtcTraining(split_by="speaker"), QUICK)


def test_too_few_clips_to_calibrate_on_are_taken_from_train_and_said(tmp_path: Path) -> None:
    films = [("valid" if k == 2 else "test" if k % 8 == 3 else "train", talker(3, seed=k)) for k in range(24)]
    found = open_films([_faces(tmp_path / "ds", films)], tmp_path / "run")
    assert {part: len(clips) for part, clips in found.parts.items()} == {
        "train": 17,
        "calibrate": 4,
        "report": 3,
    }
    assert any("3 of the split train were set apart" in note for note in found.notes)
    few = _faces(tmp_path / "few", films[:6])
    with pytest.raises(InputError, match="at least 8 are needed"):
        open_films([few], tmp_path / "run")


def test_evidence_is_that_of_the_clip(tmp_path: Path) -> None:
    dataset = _plain(tmp_path / "ds")
    clips = ClipSet(dataset, tuple(NEEDS.outputs))
    found = evidence_of(clips[5])
    planted = talker(3, seed=5)
    assert np.array_equal(found.faces[0].lips.values, planted.faces[0].lips.values)
    assert found.mel is not None
    assert found.mel.values.shape == (298, 40)
    assert float(found.mel.grid.center(0)) == pytest.approx(200 / 16000)
    assert (found.start, found.end) == (0, 3)


def test_what_cannot_be_used_is_counted_and_named(tmp_path: Path) -> None:
    """Other alphabets are used; texts that cannot be spoken are left out, with a line for each reason."""
    folder = tmp_path / "s"
    folder.mkdir()
    texts = ["привет как дела", "это просто тест", "это 3 теста", "[шум]", ""]
    for k in range(40):
        sound = 0.1 * np.random.default_rng(k).standard_normal(8000)
        soundfile.write(folder / f"c{k:02}.wav", sound, 16000)
        (folder / f"c{k:02}.txt").write_text(texts[k % 5], encoding="utf-8")
    soundfile.write(folder / "short.wav", np.ones(999) / 9, 16000)
    how = PrepareOptions(recipe="speech", outputs="sound@16000", split="0.8/0.1/0.1")
    prepare(folder, tmp_path / "ds", how)
    result = train_ctc(
        [tmp_path / "ds"], tmp_path / "run", CtcTraining(shape="micro", batch_seconds=6), QUICK
    )
    rows = read_index(tmp_path / "ds/index.parquet").to_pylist()
    used = [row for row in rows if row["split"] == "train" and row["source"] != "short.wav"]
    spoken = [row for row in used if row["transcript"] in texts[:2]]
    settings = json.loads((tmp_path / "run/run.json").read_text())["settings"]
    assert settings["clips"] == len(spoken)
    assert set("приветкакдела") <= set(settings["characters"])
    said = "\n".join(result.notes)
    assert "not taken for English" in said
    for reason in ("has numbers or signs", "has brackets", "no text is known"):
        assert reason in said
    listed = json.loads((tmp_path / "run/left_out.json").read_text())["clips"]
    held = [row for row in rows if row["split"] in ("train", "valid") and row["transcript"] not in texts[:2]]
    assert {entry["clip"] for entry in listed} == {row["clip"] for row in held}


def test_a_plain_folder_is_prepared_once(tone_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tone_folder, tmp_path / "mine")
    training = Wav2Vec2Training(shape="micro", batch_seconds=8, negatives=10, codes=16)
    result = pretrain([folder], tmp_path / "run", training, QUICK)
    assert any("was prepared by the recipe speech" in note for note in result.notes)
    index = (tmp_path / "run/dataset/index.parquet").read_bytes()
    (folder / "more.wav").write_bytes((folder / "00.wav").read_bytes())
    assert pretrain([folder], tmp_path / "run", training, QUICK).steps == QUICK.steps
    assert (tmp_path / "run/dataset/index.parquet").read_bytes() == index


def test_files_named_one_by_one_are_prepared(
    tone_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tone_folder / f"{k:02}.wav") for k in range(30)]
    words = ["train", "wav2vec2", *files, "-o", str(tmp_path / "run"), "--steps", "1", "--shape", "micro"]
    assert main([*words, "--batch-seconds", "4", "--threads", "1", "--json"]) == 0
    json.loads(capsys.readouterr().out)
    assert len(ClipSet(tmp_path / "run/dataset", ("sound_16000",))) == 30


@pytest.mark.parametrize("cells", [Ticks([0, 40, 80], "1/1000", 40)])
def test_a_clip_without_a_face_or_sound_is_named(cells: Ticks, tmp_path: Path) -> None:
    films = [("train", talker(3, seed=k)) for k in range(12)]
    dataset = _faces(tmp_path / "ds", films)
    save_track(Track(np.zeros((3, 40, 2), np.float32), cells, np.zeros(3, bool)), dataset / "lips/clip03.npz")
    rows = read_index(dataset / "index.parquet").to_pylist()
    made = next(m for row in rows if row["clip"] == "clip03" for m in row["outputs"] if m["kind"] == "lips")
    made.update(_made(dataset, dataset / "lips/clip03.npz", "lips", 3, None, "0"))
    write_index(rows, dataset / "index.parquet", {})
    found = open_films([dataset], tmp_path / "run")
    assert any("no face is seen in it: clip03" in note for note in found.notes)
    assert "clip03" not in {name for part in found.parts.values() for name in part}
