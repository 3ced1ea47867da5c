"""A third package with one plug-in of each kind: installed by pip, and each used by its name on the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.cli import main
from genlock.core.errors import PluginError
from genlock.core.track_file import load_track
from genlock.media import read_frames

PACKAGE = Path(__file__).with_name("tones")
OFFSET = 0.137

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package in a folder of its own, as pip installs it; nothing is fetched."""
    source = tmp_path_factory.mktemp("source") / "tones"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("site")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)
    return target


@pytest.fixture
def run(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """The command line, with the package on the search path; gives the JSON that a command prints."""
    monkeypatch.syspath_prepend(str(installed))

    def command(*words: object, status: int = 0) -> dict[str, Any]:
        assert main([str(word) for word in words]) == status
        said = capsys.readouterr()
        if "--json" in words and status == 0:
            answer: dict[str, Any] = json.loads(said.out)
            return answer
        return {"out": said.out, "err": said.err}

    yield command
    for name in [name for name in sys.modules if name.partition(".")[0] == "genlock_tones"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def films(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three films, made by the world of the package in a process of its own, as a user would."""
    folder = tmp_path_factory.mktemp("films") / "tones"
    words = ["synth", "tones", "--count", "3", "--offset-seconds", str(OFFSET), "-o", str(folder)]
    path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(
        [sys.executable, "-m", "genlock.cli", *words], check=True, env={**os.environ, "PYTHONPATH": path}
    )
    return folder


def said(film: Path) -> list[str]:
    words: list[str] = json.loads(film.with_suffix(".json").read_text())["words"]
    return words


def test_every_kind_is_listed(run: Run) -> None:
    for command in ("train", "synth", "bench"):
        lines = run(command, "--list")["out"].splitlines()
        assert any(line.startswith("tones ") for line in lines)
    # The broken one is not left out, and does not keep the others from being listed.
    broken = " ".join(run("train", "--list")["out"].partition("\nbroken ")[2].split())
    assert "genlock-tones 1.0 (genlock_tones.not_there:NOTHING)" in broken


def test_a_broken_plugin_says_where_it_comes_from(run: Run, films: Path) -> None:
    told = run("train", "broken", films, status=PluginError.exit_status)["err"]
    assert "genlock-tones 1.0 (genlock_tones.not_there:NOTHING)" in told
    assert "ModuleNotFoundError" in told


def test_recognizer_and_aligner(run: Run, films: Path) -> None:
    film = films / "000.mkv"
    found = run("words", film, "--recognizer", "tones", "--aligner", "tones", "--json")
    assert (found["recognizer"], found["aligner"]) == ("tones", "tones")
    assert [word["text"] for word in found["words"]] == said(film)
    # The sound is early: word k sounds at 2 - OFFSET + k / 2 + 1/4.
    for k, word in enumerate(found["words"]):
        assert word["start_seconds"] == pytest.approx(2 - OFFSET + k / 2 + 0.25, abs=0.011)


def test_estimator(run: Run, films: Path) -> None:
    found = run("sync", films / "001.mkv", "--estimators", "glow", "--json")
    assert found["estimator"] == "glow"
    assert found["offset_seconds"] == pytest.approx(OFFSET, abs=0.02)
    assert found["reason"] == "by brightness alone"
    # Named after others it is asked only if these see nothing.
    assert run("sync", films / "001.mkv", "--estimators", "lips,glow", "--json")["estimator"] == "glow"
    assert "did you mean 'glow'?" in run("sync", films / "001.mkv", "--estimators", "glov", status=2)["err"]


def test_face(run: Run, films: Path, tmp_path: Path) -> None:
    target = tmp_path / "moon.mp4"
    made = run("animate", films / "000.mkv", "--face", "moon", "--side", "128", "-o", target, "--json")
    assert made["face"] == "moon"
    # A yellow moon on a dark sky.
    first = next(iter(read_frames(target))).pixels
    assert first[54, 64, 0] > 180 > 80 > first[2, 2, 0]
    assert "did you mean 'moon'?" in run("animate", films / "000.mkv", "--face", "mon", status=2)["err"]


def test_feature(run: Run, films: Path, tmp_path: Path) -> None:
    words = ["--feature", "crossings", "--on", "native", "-o", tmp_path / "out", "--json"]
    (track,) = run("features", films / "000.mkv", *words)["tracks"]
    values = load_track(Path(track["path"])).values
    # Frame k looks at the samples around k/100 s; a tone begins every half second, a quarter after the film does.
    hertz = {"low": 300, "mid": 700, "high": 1500}
    for k, word in enumerate(said(films / "000.mkv")):
        tone = np.sin(2 * np.pi * hertz[word] * np.arange(800, 3200) / 16000)
        share = float(np.mean(np.diff(np.sign(np.round(tone, 4))) != 0))
        assert float(values[25 + 50 * k + 8]) == pytest.approx(share, rel=0.2)


def test_a_feature_of_sound_and_picture_together(run: Run, films: Path, tmp_path: Path) -> None:
    words = ["--feature", "glowing,brightness", "--on", "native", "-o", tmp_path / "out", "--json"]
    tracks = {
        one["name"]: load_track(Path(one["path"]))
        for one in run("features", films / "000.mkv", *words)["tracks"]
    }
    glowing, bright = tracks["glowing"], tracks["brightness"]
    assert glowing.grid == bright.grid
    # The sound is early by the planted offset, so that each tone begins in the dark and leaves light behind.
    lit = bright.values > 0.4
    assert {-1.0, 0.0, 1.0} == set(glowing.values[glowing.valid].tolist())
    early = round(OFFSET * 25)
    turns = np.flatnonzero(np.diff(lit.astype(int)) == 1) + 1
    assert len(turns) == len(said(films / "000.mkv"))
    for turn in turns.tolist():
        assert glowing.values[turn - early + 1 : turn].tolist() == [-1.0] * (early - 1)
        assert glowing.values[turn + 1] == 1.0


def test_prepare_makes_it_too(
    run: Run, films: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same values, clip by clip; what it is made of is not kept."""
    pytest.importorskip("pyarrow")
    workers_see = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(workers_see))
    clip = ["--recipe", "tones", "--outputs", "glowing,tilt", "--clip-seconds", "2", "--workers", 1]
    made = run("prepare", films, *clip, "-o", tmp_path / "set", "--json")
    assert made["clips"] > 3
    run("features", films / "000.mkv", "--feature", "glowing", "--on", "native", "-o", tmp_path / "out")
    whole = load_track(tmp_path / "out" / "glowing.npz")
    kinds = {path.name for path in (tmp_path / "set").iterdir() if path.is_dir() and path.name[0] != "."}
    assert kinds == {"glowing", "lips", "mouth_shape", "tilt"}
    for path in (tmp_path / "set" / "glowing").glob("??/000*.npz"):
        part = load_track(path)
        same = part.on(whole.grid, "nearest", length=len(whole))
        inner = same.valid.copy()
        inner[np.flatnonzero(inner)[[0, -1]]] = False  # at its ends a clip hears nothing of its neighbours
        assert np.array_equal(same.values[inner], whole.values[inner])


def test_prepare_hands_mouths_to_a_recognizer(
    run: Run, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a dataset are those of the best recogniser, also where that reads lips."""
    from genlock_tones.lipreader import Watcher

    from genlock.data.ledger import Item
    from genlock.data.one_source import Plan, make_clips

    monkeypatch.setattr(Watcher, "languages", ("en", "tones"))
    monkeypatch.setattr("genlock_tones.recognizer.ToneRecognizer.languages", ("tones",))
    clip = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    state = clip.stat()
    item = Item("a", clip.name, state.st_size, state.st_mtime_ns)
    made = make_clips(item, clip.parent, tmp_path / "set", Plan("words"))
    assert [word["text"] for word in made.clips[0]["words"]] == ["mouth74x64"]


def test_bench(run: Run, films: Path, tmp_path: Path) -> None:
    rows = run("bench", "tones", films, "--limit", 2, "-o", tmp_path / "run.json", "--json")["table"]
    share = {row["system"]: row["figures"]["right"]["value"] for row in rows}
    assert share["tones"] == 1
    assert 0 < share["always low"] < 1
    assert json.loads((tmp_path / "run.json").read_text())["table"] == rows


def test_recipe(run: Run, films: Path, tmp_path: Path) -> None:
    found = run("train", "tones", films, "--quantile", 0.5, "-o", tmp_path / "run", "--json")
    assert found["hertz"] == {
        "high": pytest.approx(1500, abs=5),
        "low": pytest.approx(300, abs=5),
        "mid": pytest.approx(700, abs=5),
    }
    (tmp_path / "o.yaml").write_text("quantil: 0.5\n")
    told = run("train", "tones", films, "--options", tmp_path / "o.yaml", status=2)["err"]
    assert "did you mean 'quantile'?" in told


def test_corpus_and_exporter(run: Run, films: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = run("prepare", films, "--recipe", "tones", "-o", tmp_path / "set", "--workers", 1, "--json")
    assert made["clips"] == 3
    run("export", tmp_path / "set", "--to", "list", "-o", tmp_path / "list")
    lines = [line.split("\t") for line in (tmp_path / "list" / "clips.tsv").read_text().splitlines()]
    assert sorted(line[2] for line in lines) == sorted(" ".join(said(film)) for film in films.glob("*.mkv"))
    assert all((tmp_path / "set" / line[3]).is_file() for line in lines)


def test_a_recognizer_that_asks_for_mouths_gets_them(
    run: Run, films: Path, shared_data: Path, tmp_path: Path
) -> None:
    words = ["--recognizer", "watcher", "--language", "tones", "--json"]
    clip = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    # 75 frames of one face; the sound ends before the middle of the last. Crops have the side that was asked for.
    (word,) = run("words", clip, *words)["words"]
    assert word["text"] == "mouth74x64"
    assert run("words", films / "000.mkv", *words)["words"][0]["text"] == "nobody"
    for number, sync in enumerate(([], ["--no-sync"])):
        found = run("align", clip, *words, *sync, "--feature", "energy", "-o", tmp_path / f"{number}")
        assert [word["text"] for word in found["words"]] == ["mouth74x64"]
