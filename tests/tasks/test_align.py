"""The main job, from a file to its folder of results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import genlock as package
from genlock.core.track_file import load_track
from genlock.media import Picture, Sound, encode

CLICKS = (0.3137, 0.8611, 1.4503)


@pytest.fixture(scope="module")
def click_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clicks at known instants; the sound starts 120 ms after the picture, at 29.97 frames a second."""
    path = tmp_path_factory.mktemp("clicks") / "clicks.mp4"
    frames = [np.full((96, 128, 3), k, np.uint8) for k in range(60)]
    samples = np.zeros(2 * 48000)
    for click in CLICKS:
        samples[round((click - 0.12) * 48000)] = 0.9
    encode(path, Picture(frames, rate="30000/1001"), Sound(samples, 48000, start="0.12"))
    return path


def test_the_folder_holds_what_the_design_promises(genlock, click_clip: Path, tmp_path: Path) -> None:
    run = genlock("align", click_clip, "-o", tmp_path / "out", "--json", "--recognizer", "pocketsphinx")
    assert run.status == 0, run.err
    assert run.json["directory"] == str(tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {"genlock_schema", "media", "sync", "words", "tracks"} <= summary.keys()
    assert summary["sync"]["sentence"].startswith("unknown: ")
    assert summary["sync"]["offset_seconds"] is None
    # The muxer keeps AAC's 1024 priming samples as sound where an edit list begins with a gap.
    assert 0.12 - 1024 / 48000 - 1e-6 <= summary["sync"]["container_offset_seconds"] <= 0.12 + 1e-6
    assert [t["name"] for t in summary["tracks"]] == ["mel", "mfcc", "energy", "onset"]
    assert all(t["rate"] == "30000/1001" and t["length"] == 60 for t in summary["tracks"])
    for name in ("report.html", "words.srt", "words.vtt", "words.TextGrid", "words.ctm", "words.json"):
        assert (tmp_path / "out" / name).stat().st_size > 0 or name in ("words.srt", "words.ctm")


def test_every_click_is_in_its_frame(genlock, click_clip: Path, tmp_path: Path) -> None:
    genlock("align", click_clip, "-o", tmp_path / "out", "--recognizer", "pocketsphinx")
    for name in ("energy", "onset"):
        track = load_track(tmp_path / "out" / "tracks" / f"{name}.npz")
        values = np.where(track.valid, track.values, -np.inf)
        loud = sorted(int(k) for k in np.argsort(values)[-len(CLICKS) :])
        assert loud == [track.grid.index(click, "floor") for click in CLICKS], name


def test_from_python(click_clip: Path) -> None:
    clip = package.align(click_clip, feature="mel,energy", recognizer="pocketsphinx")
    assert clip.directory is None
    assert clip.frame_count == 60
    on_frames = clip.track("mel").on(clip.frames, length=clip.frame_count)
    assert on_frames.values.shape == (60, 128)
    assert clip.words.clock == clip.track("mel").clock == clip.frames.clock
    with pytest.raises(package.GenlockError, match=r"mel, energy"):
        clip.track("melody")


def test_a_part_of_a_file_keeps_its_times(click_clip: Path) -> None:
    whole = package.features(click_clip, "energy")["energy"]
    part = package.features(click_clip, "energy", start="0.7", end="1.0")["energy"]
    assert 0.7 <= part.centers[0] < 0.75
    assert abs(part.centers[int(np.argmax(part.values))] - CLICKS[1]) < 0.02
    assert abs(whole.centers[int(np.argmax(whole.values))] - np.array(CLICKS)).min() < 0.02


@pytest.mark.parametrize("name", ["RD_Radio34_000", "WDA_BobMenendez_000"])
def test_real_talking_faces(genlock, shared_data: Path, tmp_path: Path, name: str) -> None:
    run = genlock("align", shared_data / "talking" / f"{name}.mp4", "-o", tmp_path / "out", "--json")
    assert run.status == 0, run.err
    aligned = [w for w in run.json["words"] if w["status"] == "aligned"]
    assert len(aligned) >= 10
    assert all(0 <= w["start_seconds"] < w["end_seconds"] <= 8.1 for w in aligned)


def test_a_real_mpeg_program_stream(genlock, shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Bin BLUE at F, 2 now!")
    video = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    run = genlock("align", video, "--transcript", tmp_path / "text.txt", "-o", tmp_path / "out", "--json")
    assert run.status == 0, run.err
    assert [w["text"] for w in run.json["words"]] == ["Bin", "BLUE", "at", "F,", "2", "now!"]
    assert all(w["status"] == "aligned" for w in run.json["words"])
