"""Many files at once, texts beside them, and files that are not Genlock's to replace."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import InputError, OptionError
from genlock.core.time import clock_seconds
from genlock.media import Sound, encode, probe
from genlock.synth import speak
from genlock.tasks import align_video as align_module
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.alignment_index import AlignmentIndex
from genlock.tasks.files import expand_files
from genlock.tasks.written import is_ours, note_written


@pytest.fixture(autouse=True)
def own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is noted in a cache of the test's own, which has the models of the real one."""
    real = Path(os.environ.get("GENLOCK_CACHE") or Path.home() / ".cache" / "genlock")
    cache = tmp_path / "cache"
    cache.mkdir()
    if (real / "models").is_dir():
        (cache / "models").symlink_to(real / "models")
    monkeypatch.setenv("GENLOCK_CACHE", str(cache))


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """A sound that says hello, with its text beside it."""
    speech = speak("hello")
    folder = tmp_path / "films"
    folder.mkdir()
    encode(folder / "talk.wav", None, Sound(speech.samples, speech.rate))
    (folder / "talk.txt").write_text("hello\n")
    return folder / "talk.wav"


def test_a_text_beside_a_film_is_its_transcript(genlock, said: Path) -> None:
    run = genlock("words", said, "--json")
    assert [word["text"] for word in run.json["words"]] == ["hello"]
    assert "talk.txt" in run.err
    run = genlock("words", said, "--json", "--no-beside", "--recognizer", "pocketsphinx")
    assert "talk.txt" not in run.err


def test_subtitles_lie_beside_the_film_unless_somebody_wrote_them(genlock, said: Path) -> None:
    srt = said.with_suffix(".srt")
    assert genlock("words", said).status == 0
    assert "hello" in srt.read_text()
    assert is_ours(srt)
    assert genlock("words", said).status == 0  # its own may be written over
    by_hand = srt.read_text().replace("hello", "Hello!")
    srt.write_text(by_hand)
    run = genlock("words", said)
    assert run.status == 0
    assert "--force" in run.err
    assert srt.read_text() == by_hand
    assert genlock("words", said, "-o", srt).status == 2
    assert srt.read_text() == by_hand
    assert genlock("words", said, "-o", srt, "--force").status == 0
    assert "Hello!" not in srt.read_text()


def test_one_text_is_not_that_of_several_films(genlock, said: Path) -> None:
    other = said.with_name("other.wav")
    other.write_bytes(said.read_bytes())
    for command in ("words", "align"):
        run = genlock(command, said, other, "--transcript", said.with_suffix(".txt"))
        assert run.status == 2
        assert "2 are to be done" in run.err


def test_a_repair_replaces_no_film_of_somebody_elses(genlock, tone_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.mp4"
    target.write_bytes(b"a film of mine")
    run = genlock("sync", tone_clip, "--fix", target)
    assert run.status == 2
    assert "--force" in run.err
    assert target.read_bytes() == b"a film of mine"


def test_a_repair_that_cannot_be_written_is_refused_before_it_is_measured(
    genlock, tone_clip: Path, tmp_path: Path
) -> None:
    """It was refused after the measurement, by the name of a temporary file."""
    run = genlock("sync", tone_clip, "--fix", tmp_path / "out.xyz")
    assert run.status == 2
    assert "'.xyz' names no container" in run.err
    assert run.out == ""


def test_subtitles_are_no_film(genlock, tmp_path: Path) -> None:
    """They made an empty report, and the exit status was 0."""
    srt = tmp_path / "hand.srt"
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    run = genlock("align", srt)
    assert run.status == 2
    assert "--transcript" in run.err
    assert not srt.with_suffix(".genlock").exists()


def test_where_no_word_was_placed_the_exit_status_says_so(genlock, tmp_path: Path) -> None:
    sound = tmp_path / "noise.wav"
    noise = np.random.default_rng(0).normal(0, 0.05, 32000).astype(np.float32)
    encode(sound, None, Sound(noise, 16000))
    text = tmp_path / "text.txt"
    text.write_text("Guten Tag")
    run = genlock(
        "words", sound, "--language", "de", "--aligner", "pocketsphinx", "--transcript", text, "--json"
    )
    assert run.status == 3
    assert "no word has a time" in run.err
    # What had been written before would have become an empty file, which says that nobody speaks.
    target = tmp_path / "de.srt"
    wanted = ("--language", "de", "--aligner", "pocketsphinx", "--transcript", text, "-o", target)
    assert f"{target} is not written: no word has a time" in genlock("words", sound, *wanted).out
    assert not target.exists()


def test_a_folder_has_one_page_and_is_not_done_twice(genlock, said: Path) -> None:
    folder = said.parent
    (folder / "broken.mp4").write_bytes(b"no film")
    run = genlock("align", folder, "--no-sync")
    assert run.status == 2
    assert "2 files to do" in run.err
    rows = list(csv.DictReader((folder / "summary.csv").read_text().splitlines()))
    assert [row["mark"] for row in rows] == ["failed", "none"]  # the worst first
    page = (folder / "index.html").read_text()
    assert page.index("broken.mp4") < page.index("talk.wav")
    assert 'href="talk.genlock/report.html"' in page
    assert "done before" in genlock("align", folder, "--no-sync").out
    assert "done before" not in genlock("align", folder, "--no-sync", "--redo").out
    assert "done before" not in genlock("align", folder, "--no-sync", "--how", "nearest").out


def test_a_page_of_somebody_elses_stays(genlock, said: Path) -> None:
    page = said.with_name("index.html")
    page.write_text("my page")
    run = genlock("align", said.parent, "--no-sync")
    assert run.status == 0
    assert page.read_text() == "my page"
    assert f"{page} stays: Genlock did not write it" in run.out


def test_the_page_of_several_files_lies_beside_them_and_is_told_beforehand(
    genlock, said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``align A B`` wrote index.html and summary.csv into whatever folder somebody stood in, and said so afterwards."""
    here, more = tmp_path / "here", said.parent / "more"
    here.mkdir()
    more.mkdir()
    (more / "broken.mp4").write_bytes(b"no film")
    monkeypatch.chdir(here)
    run = genlock("align", said, more / "broken.mp4", "--no-sync")
    assert run.err.startswith(f"2 files to do\nindex.html and summary.csv of all go into {said.parent}\n")
    assert (said.parent / "summary.csv").is_file()
    assert not list(here.iterdir())


def test_the_page_of_addresses_and_of_far_apart_files_lies_here() -> None:
    far = [str(Path(Path.cwd().anchor) / "a" / "a.mp4"), str(Path(Path.cwd().anchor) / "b" / "b.mp4")]
    assert AlignmentIndex.of_files(far, None).folder == Path()
    assert AlignmentIndex.of_files(["https://host/a.mp4", "https://host/b.mp4"], None).folder == Path()
    assert AlignmentIndex.of_files(far, "out").folder == Path("out")


def test_a_name_that_begins_with_a_dash(
    genlock, tone_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "-aBc_1.mp4").write_bytes(tone_clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert "frames per second" in genlock("probe", "-aBc_1.mp4").out


def test_instants_as_players_show_them(genlock, tone_clip: Path) -> None:
    assert clock_seconds("0:01:30.5") == clock_seconds("90.5")
    for wrong in ("1:75", "1:2:3:4", "a:30", "-1:30", "1:-3"):
        with pytest.raises(OptionError):
            clock_seconds(wrong)
    run = genlock("features", tone_clip, "--feature", "energy", "--end", "0:01", "--json")
    assert run.status == 0


def test_a_large_film_is_not_copied_into_its_results(
    tone_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[bool] = []
    real = align_module.PreviewWriter

    def watched(*given: object, **named: object) -> object:
        writer = real(*given, **named)
        copies.append(writer._copies_picture)
        return writer

    monkeypatch.setattr(align_module, "PreviewWriter", watched)
    for most in (10**9, 0):
        monkeypatch.setattr(align_module, "_COPIED_BYTES", most)
        align_video(tone_clip, AlignOptions(sync=False, feature="energy"), tmp_path / f"out{most}")
    assert copies == [True, False]
    assert probe(tone_clip).video


def test_what_is_written_is_noted_and_a_torn_line_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.srt"
    file.write_text("one")
    note_written([file, tmp_path / "not there"])
    notes = tmp_path / "cache" / "written.jsonl"
    notes.write_text(notes.read_text() + '["torn')
    assert is_ours(file)
    file.write_text("two, by hand")
    assert not is_ours(file)


def test_a_disk_is_not_walked_because_somebody_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,560 files of the temporary folder were taken, one after the other."""
    monkeypatch.setattr("genlock.tasks.files._MOST_MEDIA", 2)
    monkeypatch.setattr("genlock.tasks.files._MOST_FILES", 5)
    disk = tmp_path / "disk"
    disk.mkdir()
    for number in range(3):
        (disk / f"{number}.mp4").touch()
    with pytest.raises(InputError, match=r"holds 3 videos and sounds, more than 2: .*\*\*/\*\.mp4"):
        expand_files([str(disk)])
    assert len(expand_files([f"{disk}/**/*.mp4"])[0]) == 3
    assert len(expand_files(sorted(map(str, disk.iterdir())))[0]) == 3
    (disk / "2.mp4").unlink()
    assert len(expand_files([str(disk)])[0]) == 2
    for number in range(5):
        (disk / f"{number}.log").touch()
    with pytest.raises(InputError, match="more than 5 files below .* looks like a disk"):
        expand_files([str(disk)])
