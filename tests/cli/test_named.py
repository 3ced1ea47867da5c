"""Commands that are plugins: named, listed, told apart, and not imported before they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from genlock.cli import main


@pytest.mark.parametrize(
    ("command", "name"), [("train", "wav2vec2"), ("synth", "signals"), ("bench", "sync")]
)
def test_names_are_listed(command: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--list"]) == 0
    listed = capsys.readouterr().out
    assert any(line.startswith(f"{name} ") for line in listed.splitlines())
    assert main([command]) == 2
    assert capsys.readouterr().out == listed


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["train", "wave2vec", "x"], "wav2vec2"),
        (["synth", "signal"], "signals"),
        (["bench", "snyc", "x"], "sync"),
        (["train", "sync", "x", "--model", "towr"], "tower"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert f"did you mean '{meant}'?" in capsys.readouterr().err


def test_a_world_is_made_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["synth", "signals", "-n", "1", "--seconds", "2", "--width", "64", "--height", "48", "--json"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    (clip,) = json.loads(capsys.readouterr().out)["clips"]
    assert (tmp_path / "out" / clip["name"]).is_file()
    assert main(["synth", "signals", "--reach-seconds", "9", "-o", str(tmp_path / "none")]) == 2
    assert "reach_seconds=9 in 0...1.5" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("command", "group"),
    [("synth", "genlock.worlds"), ("bench", "genlock.benches"), ("train", "genlock.recipes")],
)
def test_every_name_has_help(command: str, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two options of one name ended `genlock synth card` in a traceback."""
    names = sorted(entry.name for entry in entry_points(group=group))
    assert names
    for name in names:
        with pytest.raises(SystemExit, match="0"):
            main([command, name, "--help"])
        assert f"genlock {command} {name}" in capsys.readouterr().out


def test_help_imports_no_recipe_and_no_benchmark() -> None:
    code = (
        "import sys; sys.argv = ['genlock', '--help']\n"
        "from genlock.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "late = ('genlock.tasks.train_models', 'genlock.bench.sync', 'genlock.train.lipsync', 'torch')\n"
        "print([name for name in late if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_public_weights_of_estimators_are_listed_with_where_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "list", "estimators", "--json"]) == 0
    listed = {row["name"]: row["where"] for row in json.loads(capsys.readouterr().out)["estimators"]}
    assert "github.com/v-iashin/Synchformer" in listed["synchformer:24-01-04T16-39-21.pt"]
    assert main(["models", "list", "nobody"]) != 0
    assert "estimators" in capsys.readouterr().err
