"""``make bench``: every benchmark is in its table and runs without arguments; it goes on after a failure, and tells."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = sorted((REPOSITORY / "benchmarks").glob("[a-z]*.py"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"genlock_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


runner = load(REPOSITORY / "tools" / "run_benchmarks.py")


def test_the_table_holds_every_program_and_no_other() -> None:
    assert [path.stem for path in PROGRAMS] == sorted([*runner.TABLE, *runner.NO_BENCHMARKS])
    assert list(runner.TABLE) == sorted(runner.TABLE)


@pytest.mark.parametrize("name", runner.TABLE)
def test_a_benchmark_runs_without_arguments_and_knows_its_quick_ones(name: str) -> None:
    tree = ast.parse((REPOSITORY / "benchmarks" / f"{name}.py").read_text("utf-8"))
    known = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for option in re.findall(r"(?<!\S)--\S+", runner.TABLE[name].quick):
        assert option in known
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "add_argument":
            first, how = ast.literal_eval(call.args[0]), {k.arg: ast.unparse(k.value) for k in call.keywords}
            assert how.get("required") != "True", f"{first} must be given"
            assert first.startswith("-") or how.get("nargs") in ("'?'", "'*'"), f"{first} must be given"


@pytest.mark.parametrize("name", runner.TABLE)
def test_the_table_says_which_need_recordings(name: str) -> None:
    tree = ast.parse((REPOSITORY / "benchmarks" / f"{name}.py").read_text("utf-8"))
    looks = any(isinstance(node, ast.ImportFrom) and node.module == "_data" for node in ast.walk(tree))
    assert looks == bool(runner.TABLE[name].recordings)


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "run_benchmarks.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_one_that_succeeds_and_two_without_recordings(tmp_path: Path) -> None:
    done = bench("reading", "benchmarks/timing.py", "long_file", GENLOCK_DATA=str(tmp_path))
    assert done.returncode == 0, done.stderr
    *before, _, reading, timing, long_file, count = done.stdout.splitlines()
    skipped = f"skipped: no GRID clips in {tmp_path}/grid_s1/video (GENLOCK_DATA names another folder)"
    assert reading.split(" s  ") == [reading.split(" s  ")[0], skipped]
    assert timing.endswith(" s  ok")
    assert " s  skipped: no talking clip in " in long_file
    assert count.startswith("3 benchmarks, 0 failed, 2 skipped, ")
    assert skipped in before
    assert "$ python benchmarks/timing.py" in before
    assert any(line.startswith("int(seconds * fps)") for line in before)  # its table is passed on


def test_it_goes_on_after_a_failure_and_its_status_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('it broke')")
    (tmp_path / "missed.py").write_text("print('skipped: one row')\nraise SystemExit(3)")
    (tmp_path / "fine.py").write_text("print('a figure')")
    table = {name: runner.Benchmark() for name in ("broken", "missed", "fine")}
    table["peerless"] = runner.Benchmark(packages=("no_such_package",))
    assert runner.main([], table, tmp_path) == 1
    out, err = capfd.readouterr()
    rows = [re.sub(r" +[\d.]+ s  ", " ", line) for line in out.splitlines()[-5:-1]]
    assert rows == [
        "broken failed: status 1",
        "missed failed: status 3",
        "fine ok",
        "peerless skipped: no_such_package not installed",
    ]
    assert out.count("a figure") == 1
    assert "it broke" in err
    assert runner.main(["fine", "peerless"], table, tmp_path) == 0


def test_a_small_run_is_kept_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keeper.py").write_text(
        "import pathlib, sys\nfor folder in sys.argv[2:3]:\n    pathlib.Path(folder, 'run').touch()\n"
        "print('given', sys.argv[1:])"
    )
    table = {"keeper": runner.Benchmark("--keep {scratch} --steps 2")}
    assert runner.main([], table, tmp_path) == 0
    out = capfd.readouterr().out
    kept = re.search(r"given \['--keep', '(.+)', '--steps', '2'\]", out)
    assert kept is not None
    assert f"keeper.py --keep {kept[1]} --steps 2" in out
    assert not Path(kept[1]).exists()
    assert runner.main(["--whole"], table, tmp_path) == 0
    assert "given []" in capfd.readouterr().out


def test_a_name_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["timeing"])
    assert (
        "timeing is no benchmark: there are align_speed, animate_speed, avhubert_speed, "
        in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        runner.main(["pretraining_record"])
    assert "writes the record of a pretraining run" in capsys.readouterr().err


def test_recordings_that_somebody_named_are_an_error_where_they_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "grid_s1" / "video").mkdir(parents=True)
    monkeypatch.setenv("GENLOCK_DATA", str(tmp_path / "data"))
    data = load(REPOSITORY / "benchmarks" / "_data.py")
    with pytest.raises(SystemExit) as ended:
        data.need(data.VIDEOS)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("skipped: no GRID clips in ")
    with pytest.raises(SystemExit) as ended:
        data.need(tmp_path / "mine")
    assert "mine" in str(ended.value.code)
    for name in ("b.mpg", "a.mpg", ".DS_Store"):
        (data.VIDEOS / name).touch()
    assert [path.name for path in data.need(data.VIDEOS)] == ["a.mpg", "b.mpg"]
    assert data.need(data.VIDEOS / "a.mpg") == [data.VIDEOS / "a.mpg"]
    assert data.sounds_or_grid(None) == [str(data.GRID)]
    assert data.sounds_or_grid(["mine"]) == ["mine"]
