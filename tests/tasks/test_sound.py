"""``genlock sound`` as people use it, from a silent film to one with sound; and what can be wrong with either."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio
import pytest
from tests.foley.strikes import contacts, matched, stick_film

from genlock.cli import main
from genlock.core.errors import FormatError, InputError, OptionError, OutputError
from genlock.media import Picture, Sound, encode, probe, read_audio
from genlock.media.demux import packets_of
from genlock.media.notes import NoteCounter
from genlock.media.opening import locate, open_source
from genlock.tasks.sound_video import SoundOptions, sound_video

RATE = 48000
HITS = contacts(5, 0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stick that strikes five times, silent."""
    return stick_film(tmp_path_factory.mktemp("film") / "stick.mp4", 25, HITS, seed=4)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blows, of 8 and 192 kHz."""
    folder = tmp_path_factory.mktemp("library")
    for name, rate in (("knock_1", 8000), ("knock_2", 192000)):
        since = np.arange(rate // 10) / rate
        ring = 0.5 * np.exp(-since / 0.02) * np.cos(2 * np.pi * 700 * since)
        encode(folder / f"{name}.wav", sound=Sound(np.concatenate([np.zeros(rate // 20), ring]), rate))
    return folder


def picture_packets(path: Path) -> list[tuple[int | None, bytes]]:
    with open_source(locate(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        assert base is not None
        return [
            (None if p.pts is None else round(p.pts * base * 90000), bytes(p))
            for p in packets_of(container, [stream], NoteCounter())
            if p.size
        ]


def test_a_foley_artists_walk(
    film: Path, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    beside = ["--wav", "s.wav", "--events", "e.csv", "e.otio", "--plot", "p.svg"]
    named = [str(tmp_path / word) if not word.startswith("--") else word for word in beside]
    said = ["sound", str(film), "--library", str(library), "--finder", "motion", "-o", str(out), *named]
    assert main([*said, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.csv", "e.otio", "out.mp4", "p.svg", "s.wav"]
    # The picture is the same, packet for packet.
    assert picture_packets(out) == picture_packets(film)
    # What strikes is found, and heard on the sample in the WAV, as exactly as its codec allows in the film.
    instants = [Fraction(event["time"]) for event in told["events"]]
    count, errors = matched(np.array([float(t) for t in instants]), HITS, 0.05)
    assert count >= 3
    assert abs(float(np.median(errors))) < 0.02
    loud = np.abs(read_audio(tmp_path / "s.wav", rate=None, channels=2).values).max(axis=1)
    film_loud = np.abs(read_audio(out, rate=RATE, channels=2).values).max(axis=1)
    start = probe(out).audio[0].start or Fraction(0)
    for t in instants:
        first = round(t * RATE)
        assert loud[first - 1 : first + 3].max() > 0.02
        # What was recorded at 8 kHz rings for some of its samples before an attack.
        assert loud[first - 400 : first - 100].max() < 0.02 * loud[first : first + 50].max() + 1e-3
        at = round((t - start) * RATE)
        assert film_loud[at : at + 100].max() > 3 * film_loud[at - 2000 : at - 400].max()
    assert told["measures"]["f_50_ms"] == 1.0
    # The files of other programs.
    rows = list(csv.DictReader((tmp_path / "e.csv").open()))
    assert [Fraction(row["time"]) for row in rows] == instants
    assert {Path(row["sound"]).name for row in rows} == {"knock_1.wav", "knock_2.wav"}
    timeline = opentimelineio.adapters.read_from_file(str(tmp_path / "e.otio"))
    (clip,) = list(timeline.find_clips())
    marks = [mark.marked_range.start_time.to_seconds() for mark in clip.markers]
    assert marks == pytest.approx([float(t) for t in instants], abs=1e-6)
    assert "<image" in (tmp_path / "p.svg").read_text()


def test_sound_that_is_there_is_kept_or_replaced_by_name(film: Path, tmp_path: Path) -> None:
    tone = 0.2 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE)
    frames = (np.full((48, 64), 60 + k, np.uint8) for k in range(50))
    encode(
        tmp_path / "tone.mkv",
        Picture(frames, rate=25, codec="libx264"),
        Sound(tone, RATE, start="0.1", codec="flac"),
    )
    how = SoundOptions(finder="motion", model="modal", keep_sound=True)
    sound_video(tmp_path / "tone.mkv", how, tmp_path / "kept.mkv")
    kept = read_audio(tmp_path / "kept.mkv", rate=RATE, channels=1)
    at = round((Fraction(1) - kept.start) * RATE)
    assert np.abs(kept.values[at : at + 4800]).max() == pytest.approx(0.2, rel=0.02)
    made = sound_video(
        tmp_path / "tone.mkv", SoundOptions(finder="motion", model="modal"), tmp_path / "new.mkv"
    )
    assert np.abs(read_audio(tmp_path / "new.mkv").values).max() == 0
    assert any("replaced" in note for note in made.notes)
    assert any("no event was found" in note for note in made.notes)
    made = sound_video(
        film, SoundOptions(finder="motion", model="modal", keep_sound=True), tmp_path / "a.mp4"
    )
    assert any("no sound that could be kept" in note for note in made.notes)


def test_events_corrected_by_hand_are_sounded_where_they_stand(film: Path, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("time,impulse,material\n1001/1000,1,wood\n2,0.5,\n")
    told = sound_video(
        film,
        SoundOptions(events_from=str(table), model="modal", events=(str(tmp_path / "again.csv"),)),
        tmp_path / "out.wav",
    )
    assert [event.instant for event in told.events] == [Fraction(1001, 1000), Fraction(2)]
    assert (told.finder, told.events[0].material) == ("given", "wood")
    loud = np.abs(read_audio(tmp_path / "out.wav", rate=None, channels=2).values).max(axis=1)
    for at in (48048, 96000):
        assert loud[at - 1200 : at].max() < 0.1 * loud[at : at + 200].max()
    # Read back, what was written is the same to the last digit.
    again = list(csv.DictReader((tmp_path / "again.csv").open()))
    assert [Fraction(row["time"]) for row in again] == [Fraction(1001, 1000), Fraction(2)]


@pytest.mark.parametrize("text", ["at,x\n1,2\n", "time\nsoon\n", "time,x\n1,3\n"])
def test_a_table_that_holds_no_events_is_refused(film: Path, tmp_path: Path, text: str) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(text)
    with pytest.raises(FormatError, match="mine.csv"):
        sound_video(film, SoundOptions(events_from=str(table)), tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_a_sound_made_elsewhere_is_moved_onto_the_picture(film: Path, tmp_path: Path) -> None:
    since = np.arange(2400) / RATE
    sound = np.zeros(6 * RATE)
    for k, t in enumerate(HITS):
        first = round((t + 0.8 + (k % 3 - 1) * 0.05) * RATE)
        sound[first : first + 2400] += (
            0.5 * np.exp(-since / 0.01) * np.cos(2 * np.pi * (700 + 200 * k) * since)
        )
    encode(tmp_path / "foley.wav", sound=Sound(sound, RATE))
    made = sound_video(
        film, SoundOptions(finder="motion", retime=str(tmp_path / "foley.wav")), tmp_path / "out.wav"
    )
    assert len(made.moved) >= 3
    assert abs(made.measures["median_offset_ms"]) < 2
    assert all(-1.1 < row["moved_ms"] / 1000 < -0.5 for row in made.moved)
    assert any("onsets were moved" in note for note in made.notes)
    assert any("too few to tell" in note for note in made.notes)


def test_takes_are_ranked(film: Path, tmp_path: Path) -> None:
    made = sound_video(
        film, SoundOptions(finder="motion", model="modal", takes=3, seed=5), tmp_path / "out.wav"
    )
    assert [take["seed"] for take in made.takes] == [5, 6, 7]
    best = max(take["f_50_ms"] for take in made.takes)
    assert made.measures["f_50_ms"] == best
    assert list(tmp_path.iterdir()) == [tmp_path / "out.wav"]


# ---------------------------------------------------------------- what people bring


def moving(path: Path, count: int, **timing: object) -> Path:
    """A square that falls and stops half-way, at any frame rate."""
    frames = []
    for k in range(count):
        page = np.full((72, 96), 90, np.uint8)
        top = round(40 * min(1.0, (2 * k / max(count, 2)) ** 2))
        page[top + 4 : top + 24, 40:60] = 220
        frames.append(page)
    encode(path, Picture(frames, codec="libx264", **timing))  # type: ignore[arg-type]
    return path


def run(path: Path, out: Path) -> list[str]:
    made = sound_video(path, SoundOptions(model="modal"), out)
    assert out.exists()
    length = probe(out).audio[0].duration
    assert length is not None
    assert abs(length - (made.events.end - made.events.start)) < Fraction(1, 20)
    return list(made.notes)


def test_any_frame_rate(tmp_path: Path) -> None:
    slow = run(moving(tmp_path / "slow.mp4", 6, rate=2), tmp_path / "a.mp4")
    assert any("known to 250 ms either way" in note for note in slow)
    assert not any(
        "either way" in n for n in run(moving(tmp_path / "fast.mp4", 120, rate=120), tmp_path / "b.mp4")
    )
    ticks = np.cumsum([0, *([20, 55, 40, 33] * 10)])[:-1].tolist()
    run(moving(tmp_path / "v.mkv", 40, rate=25, pts=ticks, time_base="1/1000"), tmp_path / "c.mkv")


def test_no_motion_is_silence_and_a_note(tmp_path: Path) -> None:
    still = [np.full((48, 64), 90, np.uint8)] * 30
    encode(tmp_path / "still.mp4", Picture(still, codec="libx264"))
    made = sound_video(tmp_path / "still.mp4", SoundOptions(model="modal"), tmp_path / "a.mp4")
    assert any("nothing in the picture strikes" in n for n in made.notes)
    # Silence that fits no event is no success.
    assert "F 1.00" not in str(made)
    assert str(made).startswith("0 events (")
    assert np.abs(read_audio(tmp_path / "a.mp4").values).max() < 1e-4


def test_one_frame_is_refused(tmp_path: Path) -> None:
    encode(tmp_path / "one.mp4", Picture([np.full((48, 64), 90, np.uint8)], codec="libx264"))
    with pytest.raises(InputError, match="one frame"):
        sound_video(tmp_path / "one.mp4", SoundOptions(finder="motion"), tmp_path / "a.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["one.mp4"]


def test_no_write_access(film: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere (root: setpriv --bounding-set=-dac_override runs it)")
        with pytest.raises(OutputError):
            sound_video(film, SoundOptions(finder="motion"), tmp_path / "a.mp4")
        assert not list(tmp_path.iterdir())
    finally:
        tmp_path.chmod(0o700)


def test_nothing_is_left_where_nothing_can_be_made(film: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "sound.wav").write_bytes(b"no sound")
    before = sorted(p.name for p in tmp_path.iterdir())
    wrong = [
        ({}, "file/a.mp4"),
        ({}, "a.docx"),
        ({}, "a.mp3"),
        ({"library": str(tmp_path / "empty")}, "a.mp4"),
        ({"library": str(tmp_path / "nowhere")}, "a.mp4"),
        ({"retime": str(tmp_path / "sound.wav")}, "a.mp4"),
        ({"model": "no-such-model"}, "a.mp4"),
        ({"finder": "no-such-finder"}, "a.mp4"),
        ({"wav": str(tmp_path / "a.wav")}, "a.wav"),
    ]
    for options, name in wrong:
        with pytest.raises((InputError, OutputError)):
            sound_video(film, SoundOptions(**{"finder": "motion", **options}), tmp_path / name)  # type: ignore[arg-type]
        assert sorted(p.name for p in tmp_path.iterdir()) == before
    with pytest.raises(OptionError, match="is the film itself"):
        sound_video(film, SoundOptions(finder="motion"), film)


@pytest.mark.parametrize(
    "wrong",
    [
        {"library": "a", "retime": "b"},
        {"takes": 0},
        {"seed": -1},
        {"width": 1.5},
        {"sound_rate": 100},
        {"same_as": ("stone",)},
        {"events": ("a.txt",)},
        {"plot": "a.jpg"},
        {"wav": "a.mp3"},
        {"frame_instant": 2},
    ],
)
def test_options_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        SoundOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_hours_in_bounded_memory(library: Path, tmp_path: Path) -> None:
    """A square that drops every two seconds for two hours; the second hour holds no more than the first."""

    def frames(count: int) -> Iterator[np.ndarray]:
        for k in range(count):
            page = np.full((48, 64), 90, np.uint8)
            top = (0, 2, 9, 24, 24, 16, 8, 0)[k % 8]
            page[top : top + 16, 24:40] = 220
            yield page

    most = []
    for hours in (1, 2):
        film = tmp_path / f"{hours}.mp4"
        encode(film, Picture(frames(hours * 14400), rate=4, codec="libx264", options={"preset": "ultrafast"}))
        said = [
            "sound",
            str(film),
            "--finder",
            "motion",
            "--library",
            str(library),
            "-o",
            str(tmp_path / "out.mp4"),
        ]
        code = f"import resource, sys; from genlock.cli import main; s = main({said!r}); " + (
            "print(s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        status, megabytes = told.stdout.splitlines()[-1].split()
        assert status == "0"
        most.append(int(megabytes))
    assert most[1] < most[0] + 60
    assert most[1] < 900
