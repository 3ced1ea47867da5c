"""A full disk ended commands with FFmpeg's own error and the name of a hidden file; a kill left nameless files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genlock.data.prepare import PrepareOptions, prepare
from genlock.media import Picture, Sound, encode

# A limit on the size of files stands for a disk that is full: the kernel refuses the write in the same place.
_LIMITED = """
import resource, signal, sys
from genlock.core.errors import OutputError
from genlock.media.preview import make_preview
from genlock.media.remux import Copy, mux
from genlock.media.retime import retime
from genlock.media.trim import trim
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    {work}
except OutputError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that no browser plays, so that its preview is encoded."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    random = np.random.default_rng(0)
    frames = [random.integers(0, 255, (240, 320), np.uint8) for _ in range(50)]
    sound = random.normal(0, 0.1, 2 * 48000).astype(np.float32)
    encode(path, Picture(frames, 25, codec="mpeg4", options={"qmin": "8"}), Sound(sound, 48000, codec="flac"))
    return path


@pytest.mark.parametrize("limit", [2_000, 60_000])
@pytest.mark.parametrize(
    "work",
    [
        "make_preview({film!r}, {target!r})",
        "retime({film!r}, {target!r}, '0.1')",
        "trim({film!r}, {target!r}, '0.5', '1.9')",
        "mux({target!r}, [Copy({film!r}, 'video'), Copy({film!r}, 'audio')])",
    ],
)
def test_a_full_disk_is_said_with_the_users_name(film: Path, tmp_path: Path, work: str, limit: int) -> None:
    target = tmp_path / "out.mp4"
    program = _LIMITED.format(limit=limit, work=work.format(film=str(film), target=str(target)))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "out.mp4" in done.stdout
    assert "too large" in done.stdout  # as "No space left on device" would be
    assert ".genlock-" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_beside_the_index_is_swept(tmp_path: Path) -> None:
    """An empty file without a name of its own lay beside the index after ``kill -9``."""
    (tmp_path / "s").mkdir()
    encode(tmp_path / "s" / "a.wav", sound=Sound(np.zeros(16000), 16000))
    options = PrepareOptions("speech", outputs="sound@16000", workers=1)
    prepare(tmp_path / "s", tmp_path / "d", options)
    index = (tmp_path / "d" / "index.parquet").read_bytes()
    for name in (".genlock-0123456789ab.parquet", ".genlock-0123456789ab.json"):
        (tmp_path / "d" / name).touch()
    prepare(tmp_path / "s", tmp_path / "d", options)
    assert [path.name for path in (tmp_path / "d").glob(".genlock-*")] == []
    assert (tmp_path / "d" / "index.parquet").read_bytes() == index
