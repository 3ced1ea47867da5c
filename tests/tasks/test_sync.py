"""``genlock sync``: one sign from the planted shift through real files to the sentence, the JSON and the repair."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import genlock as package
from genlock.core.errors import OptionError
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.media import Picture, Sound, encode
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, SyncResult, SyncRow

TICK_SECONDS = 0.0015  # what flashes, beeps and the stamps of a container leave open


@dataclass(frozen=True)
class Case:
    """One film: its container, what is planted, and how its sound can be moved."""

    ending: str
    offset: str
    rate: str = "25"
    picture_start: str = "0"
    sound_start: str = "0"
    sound: str = "copied"

    def __str__(self) -> str:
        return f"{self.ending[1:]} {self.offset} {self.rate} {self.picture_start} {self.sound_start}"


CASES = [
    Case(".mp4", "0.118"),
    Case(".mp4", "-0.2335", picture_start="0.5"),  # an edit list delays the picture
    Case(".mp4", "0.0417", "30000/1001", sound_start="0.3"),  # an edit list delays the sound
    Case(".mov", "-0.073", "24000/1001"),
    Case(".mkv", "-0.118", "60"),
    Case(".mkv", "0.350", sound_start="0.25"),
    Case(".webm", "0.118"),
    Case(".ts", "0.118", "50"),
    Case(".ts", "-0.2335", picture_start="0.4"),
    Case(".mpg", "-0.118"),
    Case(".mpg", "0.2335", sound_start="0.2"),
    Case(".avi", "0.118", sound="encoded"),
    Case(".avi", "-0.2335", sound="encoded"),
]


def packets(file: Path, kind: str) -> list[bytes]:
    """The packets of a stream, by PyAV itself."""
    with av.open(str(file)) as container:
        stream = getattr(container.streams, kind)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def early_by_decoder(file: Path) -> float:
    """How early the first beep is against the first flash, by PyAV alone: no reader or finder of ours."""
    with av.open(str(file)) as container:
        base = container.streams.video[0].time_base
        light = [(f.pts * base, f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    levels = [level for _, level in light]
    flash_at = float(next(at for at, level in light if level > (min(levels) + max(levels)) / 2))
    with av.open(str(file)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(np.float64)).reshape(len(frame.layout.channels), -1)[0]
            if frame.format.name.startswith("s16"):
                samples /= 32768
            loud = np.flatnonzero(samples > 0.1)
            if len(loud):
                return flash_at - (float(frame.pts * frame.time_base) + loud[0] / frame.sample_rate)
    raise AssertionError("no beep")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_signs_from_a_planted_shift_to_the_repaired_file(genlock, tmp_path: Path, case: Case) -> None:
    film, fixed = tmp_path / f"film{case.ending}", tmp_path / f"fixed{case.ending}"
    make_signal(
        film,
        SignalOptions(
            rate=case.rate,
            duration_seconds=5,
            width=128,
            height=96,
            offset_seconds=case.offset,
            picture_start=case.picture_start,
            sound_start=case.sound_start,
        ),
    )
    planted = float(Fraction(case.offset))
    run = genlock("sync", film, "--fix", fixed, "--json")
    assert run.status == 0, run.err
    found = run.json
    # The JSON.
    assert found["offset_seconds"] == pytest.approx(planted, abs=TICK_SECONDS)
    low, high = found["interval_seconds"]
    assert low - 0.0005 <= planted <= high + 0.0005
    assert found["verdicts"]["ebu_r37_emission"]["result"] == (
        "fails" if not -0.06 <= planted <= 0.04 else "passes"
    )
    # The sentence.
    side = "early" if planted > 0 else "late"
    amount, word = found["sentence"].removeprefix("sound ").split(" ms ")[:2]
    assert abs(float(amount) - abs(planted) * 1000) <= 1000 * TICK_SECONDS
    assert word.startswith(side)
    # The repaired file, by our measure and by a decoder's alone.
    repair = found["repair"]
    assert repair["status"] == "repaired", repair
    assert repair["shift_seconds"] == pytest.approx(planted, abs=TICK_SECONDS)
    assert repair["offset_after_seconds"] == pytest.approx(0, abs=TICK_SECONDS)
    assert early_by_decoder(fixed) - early_by_decoder(film) == pytest.approx(-planted, abs=2 * TICK_SECONDS)
    # Nothing was touched that need not be.
    assert packets(fixed, "video") == packets(film, "video")
    assert (repair["video"], repair["sound"]) == ("copied", case.sound)
    if case.sound == "copied":
        kept, every = packets(fixed, "audio"), packets(film, "audio")
        assert kept == every[len(every) - len(kept) :]
        # What would come before 0 s is named.
        gone = [line for line in repair["left_out"] if "packets of sound that would come before 0 s" in line]
        assert [int(line.split()[0]) for line in gone] == ([len(every) - len(kept)] if kept != every else [])
        assert repair["left_out"] == gone


@pytest.fixture(scope="module")
def early_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound early by 118 ms."""
    film = tmp_path_factory.mktemp("early") / "early.mp4"
    make_signal(film, SignalOptions(duration_seconds=5, width=128, height=96, offset_seconds="0.118"))
    return film


@pytest.fixture(scope="module")
def true_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In step."""
    film = tmp_path_factory.mktemp("true") / "true.mp4"
    make_signal(film, SignalOptions(duration_seconds=5, width=128, height=96))
    return film


def test_what_is_in_step_is_not_repaired(genlock, true_film: Path, tmp_path: Path) -> None:
    run = genlock("sync", true_film, "--fix", tmp_path / "out.mp4", "--json")
    assert run.status == 0, run.err
    assert run.json["repair"]["status"] == "not needed"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_measured_is_not_repaired(genlock, tone_clip: Path, tmp_path: Path) -> None:
    run = genlock("sync", tone_clip, "--fix", tmp_path / "out.mp4")
    assert run.status == 2
    assert "not repaired" in run.err
    assert run.out.startswith("unknown: ")
    assert not list(tmp_path.iterdir())


def test_a_repair_that_is_no_better_is_refused(early_film: Path, tmp_path: Path) -> None:
    """A measurement with the wrong sign, as other tools give it, would make the film worse: nothing is written."""
    from dataclasses import replace

    from genlock.lipsync.repair import repair_file
    from genlock.tasks.sync_video import sync_video

    right = sync_video(early_film).measurement
    estimate = right.estimate
    assert estimate.offset_seconds is not None
    assert estimate.interval_seconds is not None
    low, high = estimate.interval_seconds
    wrong = replace(
        right,
        estimate=replace(estimate, offset_seconds=-estimate.offset_seconds, interval_seconds=(-high, -low)),
        segments=(),
    )
    repair = repair_file(early_film, tmp_path / "out.mp4", wrong, lambda made: sync_video(made).measurement)
    assert repair.status == "refused"
    assert "236 ms early" in repair.reason
    assert not list(tmp_path.iterdir())


def test_the_original_is_never_the_target(genlock, early_film: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    shutil.copy(early_film, film)
    before = film.read_bytes()
    run = genlock("sync", film, "--fix", film)
    assert run.status == 2
    assert "the file itself" in run.err
    assert film.read_bytes() == before


def test_folders_give_a_table_and_repaired_copies(
    genlock, early_film: Path, true_film: Path, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    shutil.copy(early_film, films / "early.mp4")
    shutil.copy(true_film, films / "true.mp4")
    (films / "broken.mp4").write_bytes(b"no film")
    run = genlock("sync", films, "--fix", tmp_path / "out", "--plot", tmp_path / "plots")
    assert run.status == 2
    assert "1 of 3 files could not be done" in run.err
    head, first, done, second, not_done = run.out.splitlines()
    assert head.split()[:2] == ["file", "offset"]
    assert first.split()[:3] == ["early.mp4", "+118", "ms"]
    assert "fails" in first
    assert second.split()[:3] == ["true.mp4", "0", "ms"]
    assert done == "    repair: repaired"
    assert not_done == "    repair: not needed"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["early.mp4"]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["early.svg", "true.svg"]


def test_standards_are_told_where_they_are_asked_for(genlock, early_film: Path, true_film: Path) -> None:
    """The first line carried the results of two standards, and was longer than a terminal is wide."""
    plain = genlock("sync", early_film)
    assert "R37" not in plain.out
    assert len(plain.out.splitlines()[0]) < 80
    told = genlock("sync", early_film, "--verdicts")
    assert told.out.startswith(plain.out)
    limits = told.out.removeprefix(plain.out).splitlines()
    assert limits[2] == "  EBU R37 at emission, 40 ms early to 60 ms late: fails"
    assert len(limits) == 6
    table = genlock("sync", early_film, true_film, "--verdicts").out.splitlines()
    assert [line.startswith("  ") for line in table] == [False, *2 * (False, *6 * (True,))]


def test_several_files_as_json(genlock, early_film: Path, true_film: Path) -> None:
    run = genlock("sync", early_film, true_film, "--json")
    assert run.status == 0, run.err
    assert [round(each["offset_seconds"], 2) for each in run.json["results"]] == [0.12, 0.0]


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_plots(genlock, early_film: Path, tmp_path: Path, ending: str) -> None:
    run = genlock("sync", early_film, "--plot", tmp_path / f"plot{ending}")
    assert run.status == 0, run.err
    data = (tmp_path / f"plot{ending}").read_bytes()
    assert b"sound 118" in data if ending == ".svg" else data.startswith(b"\x89PNG")


def test_a_plot_of_another_kind_is_refused_before_anything_is_read(
    genlock, early_film: Path, tmp_path: Path
) -> None:
    run = genlock("sync", early_film, "--plot", tmp_path / "plot.pdf")
    assert run.status == 2
    assert ".svg or a .png" in run.err


def test_align_carries_the_offset(genlock, early_film: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("hello")  # nobody has to be recognised in beeps
    run = genlock(
        "align",
        early_film,
        "-o",
        tmp_path / "out",
        "--json",
        "--transcript",
        tmp_path / "text.txt",
        "--least-matched",
        "0",
    )
    assert run.status == 3, run.err  # the word is not in the beeps, and that is said
    sync = json.loads((tmp_path / "out" / "summary.json").read_text())["sync"]
    assert sync["offset_seconds"] == pytest.approx(0.118, abs=TICK_SECONDS)
    assert "118" in sync["sentence"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "118.0 ms early" in page
    assert "offset of the sound against the picture, ms" in page


def test_align_without_sync_says_so(genlock, early_film: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("hello")
    options = ("--json", "--no-sync", "--transcript", tmp_path / "text.txt", "--least-matched", "0")
    run = genlock("align", early_film, "-o", tmp_path / "out", *options)
    assert run.status == 3, run.err  # no word of the text has a time
    assert run.json["sync"]["sentence"] == "unknown: not measured"


def test_from_python(early_film: Path) -> None:
    found = package.sync(early_film, end=4)
    assert found.offset_seconds == pytest.approx(0.118, abs=TICK_SECONDS)
    assert found.sentence.startswith("sound 11")


def test_against_another_recording(genlock, tmp_path: Path) -> None:
    """A recorder that was switched on 0.75 s after the camera, with noise of its own; then it is put in step."""
    chance = np.random.default_rng(7)
    event = chance.standard_normal(20 * 16000) * np.repeat(chance.random(400) ** 2, 800) * 0.1
    grey = (np.full((48, 64), 90, np.uint8) for _ in range(20 * 25))
    encode(
        tmp_path / "camera.mkv", Picture(grey, rate=25, codec="libx264"), Sound(event, 16000, codec="flac")
    )
    late = event[12000:] + 0.003 * chance.standard_normal(len(event) - 12000)
    black = (np.zeros((48, 64), np.uint8) for _ in range(19 * 25))
    encode(tmp_path / "other.mkv", Picture(black, rate=25, codec="libx264"), Sound(late, 16000, codec="flac"))
    other, camera = tmp_path / "other.mkv", tmp_path / "camera.mkv"
    run = genlock("sync", other, "--against", camera, "--fix", tmp_path / "fixed.mkv", "--json")
    assert run.status == 0, run.err
    assert run.json["offset_seconds"] == pytest.approx(0.75, abs=0.001)
    assert run.json["sentence"].startswith("against camera.mkv: sound 750")
    assert run.json["repair"]["offset_after_seconds"] == pytest.approx(0, abs=0.0015)
    unlike = genlock("sync", other, "--against", tmp_path / "none.mkv")
    assert unlike.status == 2
    assert "none.mkv" in unlike.err


@pytest.mark.parametrize(("by", "left"), [("120", 0.0), ("-30", 0.15)])
def test_a_person_moves_the_sound_by_milliseconds(genlock, tmp_path: Path, by: str, left: float) -> None:
    """What was heard is done, also where it is measured as wrong; what is left is told."""
    film, moved = tmp_path / "film.mp4", tmp_path / "moved.mp4"
    options = SignalOptions(duration_seconds=3, width=128, height=96, offset_seconds="0.12")
    make_signal(str(film), options)
    run = genlock("sync", film, "--fix", moved, "--by", by, "--json")
    assert run.status == 0, run.err
    repair = run.json["repair"]
    assert repair["status"] == "repaired"
    assert repair["shift_seconds"] == float(by) / 1000
    assert early_by_decoder(moved) == pytest.approx(left, abs=TICK_SECONDS)
    assert packets(moved, "video") == packets(film, "video")


@pytest.mark.parametrize("wrong", [{"by": 20.0}, {"by": 0.0, "fix": "a.mp4"}, {"by": 2e7, "fix": "a.mp4"}])
def test_a_move_by_hand_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="moves the sound of a copy"):
        SyncOptions(**wrong)  # type: ignore[arg-type]


def test_the_table_of_several_films_fits_a_terminal() -> None:
    """It was 93 columns wide; then its remarks were as long as they were."""
    reason = "no face is seen; motion and sound do not fit clearly at any offset, and so on, and so on"
    unknown = SyncMeasurement(Estimate(None, None, None, "none", reason), at=Fraction(0))
    row = str(SyncRow("films/some-long-name-of-a-film.mp4", SyncResult(unknown, None))).splitlines()
    assert max(map(len, [SyncRow.HEAD, *row])) <= 80
    assert " ".join(" ".join(row[1:]).split()) == reason
