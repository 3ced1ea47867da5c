"""What somebody meets who types ``genlock`` for the first time."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import genlock
from genlock.cli import main
from genlock.cli.table import COMMANDS
from genlock.testing import example_video


def test_genlock_alone_shows_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    for said in ("genlock align talk.mp4", "genlock sync talk.mp4", "prepare"):
        assert said in told


def test_the_help_names_every_exit_status_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "many-files.md"
    rows = page.read_text("utf-8").partition("| status | meaning |\n|---|---|\n")[2].split("\n\n")[0]
    statuses = re.findall(r"\d+", " ".join(row.split("|")[1] for row in rows.splitlines()))
    main(["--help"])
    told = capsys.readouterr().out.partition("Exit status:")[2]
    assert statuses
    assert set(statuses) == set(re.findall(r"\d+", told))


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_names_python_and_system(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"genlock {genlock.__version__}, Python {platform.python_version()}, ")


def test_help_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys; from genlock.cli import main; main([]); print(sorted(sys.modules), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "av", "cv2", "numba", "tyro", "rich", "faster_whisper"):
        assert f"'{heavy}'" not in told.stderr


def test_a_command_imports_no_other_ones() -> None:
    program = (
        "import sys; from genlock.cli import main\n"
        "try: main(['probe', '--help'])\n"
        "except SystemExit: print(sorted(sys.modules), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for heavy in (
        "genlock.tasks.align_video",
        "genlock.tasks.sync_video",
        "faster_whisper",
        "numba",
        "torch",
    ):
        assert f"'{heavy}'" not in told.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_each_command_says(name: str) -> None:
    command = COMMANDS[name]
    docstring = getattr(import_module(command.module), name).__doc__
    assert docstring.split("\n")[0] == command.title


def test_an_unknown_command_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wrods", "talk.mp4"]) == 2
    assert "did you mean 'words'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_for_people(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It was ``[[STR [STR ...]]]``, "options options" and (default: None), without an example."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert len(COMMANDS[name].examples) == 3
    for example in COMMANDS[name].examples:
        assert example in told
        assert example.startswith(f"genlock {name}")
    for noise in ("[[STR", "options options", "default: None", "default: False", "default: )", "``"):
        assert noise not in told
    assert max(map(len, told.splitlines())) <= 80


def test_the_help_of_a_recipe_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "ctc", "--help"])
    told = capsys.readouterr().out
    assert "SOURCE..." in told
    assert max(map(len, told.splitlines())) <= 80


def test_flags_say_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["align", "--help"])
    told = capsys.readouterr().out
    assert "--no-sync               Skip the offset of sound against picture." in told
    assert "Not so:" not in told


def test_the_doctor_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr()
    assert "genlock models fetch mediapipe-face-detection mediapipe-face-mesh" in shown.out
    assert "align would not be whole here" in shown.err


def test_features_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "--list"]) == 0
    told = capsys.readouterr().out
    assert "mel (mel:" in told
    assert max(map(len, told.splitlines())) <= 80


def test_what_words_can_use_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["words", "--list"]) == 0
    told = capsys.readouterr().out
    for name in ("faster-whisper", "pocketsphinx", "phones", "netflix-en", "TextGrid"):
        assert name in told


def test_standard_input_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """It "does not exist", and nobody was told where it can be read."""
    assert main(["words", "-"]) == 2
    assert "'-' is standard input, which is read by sync --live" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["words", "FILM", "--start", "1:75"], "genlock: '1:75' is no instant"),
        (["sync", "FILM", "--least-probability", "7"], "genlock: least_probability=7.0 lies outside 0...1"),
    ],
)
def test_a_value_that_cannot_be_is_told_in_a_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stood in a frame, below "Error parsing options.reading"."""
    assert main([str(example_video()) if word == "FILM" else word for word in words]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(said)
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_an_option_that_is_not_there_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sync", "film.mp4", "--chek"])
    assert "--check" in capsys.readouterr().err


def test_quiet_shows_results_and_errors_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["probe", str(example_video()), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out
    assert shown.err == ""
    assert main(["--quiet", "probe", str(tmp_path / "none.mp4")]) == 2
    assert "none.mp4" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["probe", "--help"], ["probe", "FILM"], ["models"]]
)
def test_a_closed_pipe_is_no_success(words: list[str]) -> None:
    """The status was 0, although not all was told; then 120, with two lines of Python's own, where Python buffers."""
    call = [str(example_video()) if word == "FILM" else word for word in words]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-m", "genlock", *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 141


@pytest.mark.parametrize(
    "call", ["models", "words --list", "bench --list", "train --list", "synth --list", "doctor"]
)
def test_tables_fit_a_terminal(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(call.split())
    lines = capsys.readouterr().out.splitlines()
    # A path is as long as it is.
    assert max(len(line) for line in lines if "/" not in line) <= 80


def test_a_command_that_does_little_imports_little(tmp_path: Path) -> None:
    """typeguard brings asyncio and ssl, entry points bring the parser of mail: a tenth of a second each; numpy.unique
    brings masked arrays."""
    code = (
        "import sys; from genlock.cli import main; main(['probe', sys.argv[1]]); "
        "print(sorted({'typeguard', 'asyncio', 'ssl', 'importlib.metadata', 'email.message', 'rich.progress', 'numba', "
        "'numpy.ma', 'cv2', 'soundfile', 'faster_whisper'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(example_video())], capture_output=True, text=True, check=True
    )
    assert "frames per second" in done.stdout
    assert done.stderr.strip() == "[]"
