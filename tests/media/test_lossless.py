"""Nothing is lost that is not named: a small run of benchmarks/lossless_repair.py, by ffprobe."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None,
    reason="ffmpeg and ffprobe make the files",
)


@pytest.fixture(scope="module")
def lossless() -> ModuleType:
    path = REPOSITORY / "benchmarks" / "lossless_repair.py"
    spec = importlib.util.spec_from_file_location("genlock_lossless_repair", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def parts(lossless: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    lossless.make_parts(folder)
    return folder


RICH = {
    ".mp4": ("libx264 -g 50 -bf 3", "aac", 1, ["mov_text"], {"chapters", "cover", "rotation", "tags"}),
    ".mov": ("libx264 -g 50 -bf 0", "pcm_s24le", 1, [], {"timecode", "mdta"}),
    ".mkv": ("libx264 -g 50 -bf 3", "flac", 2, ["srt", "ass"], {"chapters", "cover", "font", "free", "tags"}),
    ".ts": ("mpeg2video", "mp2", 2, [], {"service", "data"}),
    ".avi": ("mpeg4", "pcm_s16le", 1, [], {"tags"}),
}
ELSEWHERE = [(".mkv", ".mp4"), (".mp4", ".mkv"), (".mov", ".mkv")]


def case_of(lossless: ModuleType, ending: str, target: str) -> object:
    kind = next(kind for kind in lossless.KINDS if kind.ending == ending)
    return lossless.Case(kind, *RICH[ending], target)


@pytest.mark.parametrize(("ending", "target"), [*((ending, ending) for ending in RICH), *ELSEWHERE])
def test_nothing_is_lost_that_is_not_named(
    lossless: ModuleType, parts: Path, ending: str, target: str
) -> None:
    case = case_of(lossless, ending, target)
    made = lossless.make(case, parts, f"film{target[1:]}")
    for how in lossless.WAYS:
        outcome = lossless.go(case, made, how, parts)
        assert outcome.failed == ""
        assert outcome.unnamed == []
        if how == "fix" and target == ending and ending != ".avi":
            assert outcome.named == []  # nothing is lost at all


def test_a_loss_would_be_seen(lossless: ModuleType, parts: Path) -> None:
    """The comparison itself: what FFmpeg drops by default is found, and a report that is silent does not name it."""
    made = lossless.make(case_of(lossless, ".mkv", ".mkv"), parts, "seen")
    lossless.ffmpeg(
        parts, "-i", made.name, "-map", "0:v:0", "-map", "0:a:0", "-map_chapters", "-1", "-c", "copy", "l.mkv"
    )
    found = [what for what, _ in lossless.lost(lossless.look(made), lossless.look(parts / "l.mkv"), "fix")]
    assert len([what for what in found if what.startswith("stream")]) == 6
    assert "chapters" in found
