"""A core alone: what it does, and what it says where a package of an extra is not there.

The packages of the extras are kept from being imported in a process of its own; the slow test installs the core anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from shlex import quote

import numpy as np
import pytest
import soundfile

from genlock.core.errors import MissingDependency
from genlock.core.optional import EXTRA_OF, not_installed, require_packages, with_this_pip
from genlock.testing import example_video

CORE_ALONE = """
import importlib.abc, sys

class Kept(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Kept())
from genlock.cli import main
sys.exit(main(sys.argv[1:]))
"""


def core_alone(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``genlock`` where no package of an extra can be imported."""
    code = CORE_ALONE.replace("NAMES", repr(set(EXTRA_OF)))
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


def test_signals_are_made_measured_and_repaired(tmp_path: Path) -> None:
    assert core_alone("synth", "signals", "-n", "1", "-o", str(tmp_path / "made")).returncode == 0
    (film,) = (tmp_path / "made").glob("*flashes*.mp4")
    assert "frames per second" in core_alone("probe", str(film)).stdout
    assert core_alone("features", str(film), "-o", str(tmp_path / "tracks")).returncode == 0
    assert (tmp_path / "tracks" / "mel.npz").is_file()
    fixed = core_alone("sync", str(film), "--fix", str(tmp_path / "fixed.mp4"))
    assert fixed.returncode == 0, fixed.stderr
    assert "in step" in fixed.stdout
    assert (tmp_path / "fixed.mp4").is_file()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("words", "FILM", "--recognizer", "whisper"), "speech"),
        (("words", "FILM", "--transcript", "TEXT"), "speech"),
        (("align", "FILM", "-o", "OUT"), "speech"),
        (("sync", "FILM"), "faces"),
        (("features", "FILM", "--feature", "mouth"), "faces"),
        (("features", "FILM", "--feature", "flow"), "faces"),
        (("prepare", "FOLDER"), "data"),
        (("animate", "FILM", "-o", "OUT.mp4"), "speech,faces"),
        (("sound", "FILM", "-o", "OUT.mp4"), "faces"),
        (("synth", "talkers", "-n", "1", "-o", "OUT"), "speech,faces"),
    ],
)
def test_a_command_says_in_one_line_which_extra_it_needs(
    tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("and so my fellow americans")
    places = {
        "FILM": example_video(), "TEXT": str(text), "FOLDER": str(tmp_path), "OUT": str(tmp_path / "out"),
        "OUT.mp4": str(tmp_path / "out.mp4"),
    }  # fmt: skip
    done = core_alone(*(places.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert f"[{extra}]" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1
    assert "no face is seen" not in done.stdout
    assert not (tmp_path / "out").exists()


def test_without_its_model_a_command_says_what_to_fetch(tmp_path: Path) -> None:
    """Without the face model it was "no face is seen", without Whisper the words of a weaker recogniser."""
    nothing = {"GENLOCK_CACHE": str(tmp_path), "HF_HUB_CACHE": str(tmp_path)}
    code = "import sys; from genlock.cli import main; sys.exit(main(sys.argv[1:]))"
    both = "mediapipe-face-detection mediapipe-face-mesh"  # they came one at a time
    for command, model in (("sync", both), ("words", "whisper-tiny.en")):
        done = subprocess.run(
            [sys.executable, "-c", code, command, example_video()],
            capture_output=True,
            text=True,
            env={**os.environ, **nothing},
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 2, done.stdout
        assert f"genlock models fetch {model}" in done.stderr


def test_whoever_looks_at_no_face_needs_no_face_model() -> None:
    """It was "the model 'mediapipe-face-detection' is not on this machine"."""
    done = core_alone("sync", example_video(), "--estimators", "flash-beep,motion")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("unknown: ")


def test_motion_for_animators_needs_no_extra(tmp_path: Path) -> None:
    """It asked for a detector of voices, of whose finding nothing but a note is made."""
    sound, shapes = tmp_path / "a.wav", tmp_path / "a.tsv"
    soundfile.write(sound, np.zeros(16000), 16000)
    done = core_alone("animate", str(sound), "-o", str(shapes))
    assert done.returncode == 0, done.stderr
    assert shapes.is_file()


def test_packages_of_several_extras_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    extras = {"no_such_package_a": "a", "no_such_package_b": "b"}
    monkeypatch.setattr("genlock.core.optional.EXTRA_OF", extras)
    with pytest.raises(MissingDependency) as told:
        require_packages("no_such_package_a", "json", "no_such_package_b", what="this")
    assert str(told.value) == (
        "this needs no_such_package_a and no_such_package_b, which are not installed: pip install 'genlock[a,b]'"
    )


def test_what_is_to_be_installed_goes_into_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever typed it beside ``.venv/bin/genlock`` installed into the Python of the machine."""
    told = "it needs numba: pip install 'genlock[speech]'"
    monkeypatch.setattr(metadata.PathDistribution, "read_text", lambda *_: None)  # as from an index
    monkeypatch.setattr("genlock.core.optional.which", lambda name: "/another/bin/pip")
    assert with_this_pip(told) == f"it needs numba: {quote(sys.executable)} -m pip install 'genlock[speech]'"
    assert with_this_pip(with_this_pip(told)) == with_this_pip(told)
    monkeypatch.setattr("genlock.core.optional.which", lambda name: str(Path(sys.executable).parent / name))
    assert with_this_pip(told) == told


@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        (
            '{"url": "file:///home/me/gen%20lock", "dir_info": {"editable": true}}',
            "-e '/home/me/gen lock[speech]'",
        ),
        ('{"url": "file:///C:/genlock", "dir_info": {"editable": true}}', "-e 'C:/genlock[speech]'"),
        (
            '{"url": "file:///tmp/genlock.whl", "archive_info": {}}',
            "'genlock[speech] @ file:///tmp/genlock.whl'",
        ),
        ('{"url": "https://host/g", "vcs_info": {"vcs": "git"}}', "'genlock[speech] @ git+https://host/g'"),
    ],
)
def test_an_extra_is_looked_for_where_genlock_came_from(
    origin: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no index has was advised to everybody who had cloned the repository."""
    monkeypatch.setattr(metadata.PathDistribution, "read_text", lambda *_: origin)
    monkeypatch.setattr("genlock.core.optional.which", lambda name: str(Path(sys.executable).parent / name))
    assert (
        with_this_pip("it needs numba: pip install 'genlock[speech]'")
        == f"it needs numba: pip install {asked}"
    )


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("PIP_NO_INDEX") == "1", reason="no index to install from")
def test_a_core_takes_at_most_300_megabytes(repository: Path, tmp_path: Path) -> None:
    """Installs the core into an empty environment, and runs what it is for."""
    done = subprocess.run(
        [sys.executable, "tools/measure_install.py", "--sets", "core", "--keep", str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    megabytes = int(done.stdout.splitlines()[-1].split("|")[2])
    assert megabytes <= 300, done.stdout
    genlock = tmp_path / "core" / "bin" / "genlock"
    assert "25 frames per second" in subprocess.check_output([genlock, "probe", example_video()], text=True)
    words = subprocess.run([genlock, "words", example_video()], capture_output=True, text=True)
    assert words.returncode == 2
    assert "genlock[speech]" in words.stderr


def test_a_mac_that_no_net_runs_on_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that has no such package there was advised."""
    monkeypatch.setattr("genlock.core.optional.sys.platform", "darwin")
    monkeypatch.setattr("genlock.core.optional.platform.machine", lambda: "x86_64")
    told = str(not_installed("ai_edge_litert", "looking for faces"))
    assert "none for Macs with Intel processors" in told
    assert "pip install" not in told
    assert "genlock[faces]" in str(not_installed("cv2"))
