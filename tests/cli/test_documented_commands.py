"""What the documents tell people to type is there: every command in them, and each of its flags."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from genlock.cli import main
from genlock.core.plugins import plugin_names
from genlock.media import Sound, encode, read_audio
from genlock.synth.talkers.films import make_talker
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.weights import registry

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = {"train", "synth", "bench"}
TALKERS = TalkerOptions(
    count=4,
    seed=21,
    commands=0,
    rates=("25",),
    sizes=("320x240",),
    difficulty=0.2,
    rooms=0,
    microphones=0,
    reach_seconds="0.3",
)
#: Plug-ins that a page shows how to write.
OTHERS = (["tones"],)
TYPED = re.compile(r"(?:^|`)genlock ((?:[a-z]|--)[^`\n#]*)", re.MULTILINE)


def commands_in(page: Path) -> list[str]:
    """Lines that begin with genlock, or stand in code; a line that ends in a backslash goes on."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    return [found.group(1) for found in TYPED.finditer(text)]


@cache
def help_of(*words: str) -> str:
    """What ``--help`` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


#: Names that follow an option or a command, and what they are registered in.
NAMES = (
    (re.compile(r"^prepare .*--recipe ([a-z][\w-]*)"), "genlock.corpora"),
    (re.compile(r"^export .*--to ([a-z][\w-]*)"), "genlock.exporters"),
    (re.compile(r"^train ([a-z][\w-]*)"), "genlock.recipes"),
    (re.compile(r"^synth ([a-z][\w-]*)"), "genlock.worlds"),
    (re.compile(r"^bench ([a-z][\w-]*)"), "genlock.benches"),
    (re.compile(r"^animate .*--face ([a-z][\w-]*)"), "genlock.faces"),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_documents_are_registered(page: Path) -> None:
    """The start page named a recipe that is none."""
    if page.name.startswith("write-a"):
        return  # these show how to register what is not there
    for command in commands_in(page):
        for pattern, group in NAMES:
            named = pattern.match(command)
            if named is not None:
                assert named.group(1) in plugin_names(group), f"{page.name} says: genlock {command.strip()}"


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documents are not part of an installed package")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_in_the_documents_exist(page: Path) -> None:
    for command in commands_in(page):
        words = command.split()
        name = words[:2] if words[0] in NAMED and len(words) > 1 and words[1][0] != "-" else words[:1]
        if page.name.startswith("write-a") and name[1:2] in OTHERS:
            continue
        flags = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
        if words[0] == "train" and "--model" in flags:
            name += ["--model", words[words.index("--model") + 1]]
        shown = help_of(*name)
        missing = [flag for flag in sorted(flags) if not re.search(rf"{flag}\b", shown)]
        assert not missing, f"{page.name} says: genlock {command.strip()}; there is no {missing}"


#: What a row of the page names that nobody has here: weights of others, checkpoints.
ELSEWHERE = ("--model NAME", "syncnet_v2.model", ".pt")


@pytest.fixture(scope="module")
def other_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a talking film under each name that the page "From other tools" uses, its text and subtitles."""
    folder = tmp_path_factory.mktemp("films")
    make_talker(folder, next(islice(plan_talkers(TALKERS), 2, None)))
    film, text = next(folder.glob("*.mp4")), next(folder.glob("*.txt")).read_text("utf-8")
    for name in ("talk.mp4", "film.mp4", "a.mp4"):
        shutil.copy(film, folder / name)
    sound = read_audio(film, rate=16000)
    for name in ("a.wav", "talk.mp3"):
        encode(folder / name, sound=Sound(sound.values, 16000))
    (folder / "talk.txt").write_text(text, "utf-8")
    (folder / "in.srt").write_text(f"1\n00:00:00,000 --> 00:00:05,000\n{text.strip()}\n", "utf-8")
    (folder / "CORPUS").mkdir()
    shutil.copy(folder / "talk.mp3", folder / "CORPUS" / "one.mp3")
    (folder / "CORPUS" / "one.lab").write_text(text, "utf-8")
    film.unlink()
    return folder


@pytest.mark.slow
@pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("whisper-tiny.en") is None,
    reason="the models of faces and of words are not here: genlock models fetch",
)
@pytest.mark.parametrize("command", commands_in(ROOT / "docs" / "from-other-tools.md"))
def test_what_does_the_same_as_other_tools_runs(
    command: str, other_tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(other_tools)
    more = (["--force"] if " -o " in command else []) + (["--end", "1"] if "flow:" in command else [])
    status = main([*shlex.split(command), *more])
    said = capsys.readouterr().err
    if any(name in command for name in ELSEWHERE):
        assert status == 2, said
        assert any(words in said for words in ("NAME", "no file", "does not exist")), said
        return
    assert status == 0, said
    written = re.search(r" (?:-o|--fix) (\S+)", command)
    assert written is None or (other_tools / written[1]).exists()
