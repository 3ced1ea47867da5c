"""What a repair, a mux and a trim lose: made files with every kind of extra stream, compared with ffprobe.

    python benchmarks/lossless_repair.py [--count 100] [--seed 12] [--list]

Each file is made by FFmpeg from a test signal whose sound is 120 ms early, in one of the containers in turn, with
extras that are drawn: more sounds with languages and dispositions, subtitles of several codecs, chapters, covers,
attachments, data streams, timecode, tags (QuickTime's ``mdta`` too), rotation, HDR, codec tags (hvc1, hev1), B-frames,
edit lists, fragments. It goes through ``sync --fix`` (into its own container, or now and then into another), ``mux``
and ``trim``. ffprobe, which shares no code with the writer here, lists streams, packets (by MD5), stamps, chapters,
tags, dispositions and side data of both files. Aim: nothing is lost that the report does not name.
Needs ffmpeg and ffprobe.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import GenlockError
from genlock.media import probe
from genlock.media.remux import Copy, mux
from genlock.media.trim import trim
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, sync_video

SECONDS = 6
OTHER_SHARE = 0.3  # of the files are repaired into another container
# What a writer says about itself, and what it counts anew.
OF_THE_WRITER = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}
COUNTED = ("duration", "number_of_", "_statistics", "bps")
HDR = (
    "log-level=none:colorprim=9:transfer=16:colormatrix=9:repeat-headers=1:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


@dataclass(frozen=True)
class Kind:
    """A container, and what may be drawn for it."""

    ending: str
    pictures: tuple[str, ...]
    sounds: tuple[str, ...]
    subtitles: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    others: tuple[str, ...] = (".mkv",)


H264, H264_BFRAMES = "libx264 -g 50 -bf 0", "libx264 -g 50 -bf 3"
HVC1, HEV1 = (
    f"libx265 -preset ultrafast -x265-params log-level=none -tag:v:0 {tag}" for tag in ("hvc1", "hev1")
)
HDR_HVC1 = f"libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params {HDR} -tag:v:0 hvc1"
KINDS = (
    Kind(
        ".mp4",
        (H264, H264_BFRAMES, HVC1, HEV1, HDR_HVC1, "mpeg4"),
        ("aac", "ac3", "alac"),
        ("mov_text",),
        ("chapters", "cover", "rotation", "timecode", "faststart", "fragments", "cut", "tags", "itunes", "mdta"),
        (".mkv", ".mov"),
    ),
    Kind(
        ".mov",
        (H264_BFRAMES, HVC1, "prores_ks -profile:v 0", "mjpeg"),
        ("pcm_s24le", "aac", "alac"),
        ("mov_text",),
        ("chapters", "timecode", "rotation", "mdta", "tags", "cut"),
        (".mkv", ".mp4"),
    ),
    Kind(
        ".mkv",
        (H264_BFRAMES, "libx265 -preset ultrafast -x265-params log-level=none", "ffv1", "mpeg2video"),
        ("flac", "aac", "libopus", "ac3", "libvorbis", "pcm_s16le"),
        ("srt", "ass", "webvtt"),
        ("chapters", "cover", "png", "font", "tags", "timecode", "free"),
        (".mp4", ".mov"),
    ),
    Kind(".webm", ("libvpx -deadline realtime", "libvpx-vp9 -deadline realtime"), ("libopus", "libvorbis"),
         ("webvtt",), ("chapters", "tags", "free"), (".mkv",)),
    Kind(".ts", (H264, H264_BFRAMES, "mpeg2video"), ("aac", "mp2", "ac3"), (), ("service", "data"), (".mp4", ".mkv")),
    Kind(".mpg", ("mpeg2video", "mpeg1video"), ("mp2",), (), (), (".mkv", ".mp4")),
    Kind(".vob", ("mpeg2video -bf 2",), ("ac3", "mp2"), (), (), (".mkv",)),
    Kind(".avi", ("mpeg4", "mjpeg"), ("pcm_s16le", "libmp3lame"), (), ("tags",), (".mkv",)),
    Kind(".flv", (H264,), ("aac",), (), ("tags",), (".mp4",)),
    Kind(".mxf", ("mpeg2video -b:v 4M",), ("pcm_s16le",), (), (), (".mkv", ".mov")),
)  # fmt: skip


@dataclass
class Case:
    """One file that is made."""

    kind: Kind
    picture: str
    sound: str
    more_sounds: int
    subtitles: list[str]
    extras: set[str]
    target: str

    def __str__(self) -> str:
        words = [self.kind.ending + ("" if self.target == self.kind.ending else f" to {self.target}")]
        words += [self.picture.split()[0], self.sound, f"{1 + self.more_sounds} sounds", *self.subtitles]
        return " ".join([*words, *sorted(self.extras)])


def cases(count: int, seed: int) -> Iterator[Case]:
    """The files, each kind in turn."""
    draw = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        extras = {extra for extra in kind.extras if draw.random() < 0.45}
        if "fragments" in extras:
            extras -= {"faststart", "cut", "timecode", "chapters"}
        other = kind.ending == ".mxf" or draw.random() < OTHER_SHARE
        more = 0 if kind.ending in (".flv", ".mxf") else draw.choice((0, 1, 2))
        subtitles = (
            [draw.choice(kind.subtitles) for _ in range(draw.choice((0, 1, 2)))] if kind.subtitles else []
        )
        yield Case(
            kind,
            draw.choice(kind.pictures),
            draw.choice(kind.sounds),
            more,
            [] if "fragments" in extras else subtitles,
            extras,
            draw.choice(kind.others) if other else kind.ending,
        )


# ---------------------------------------------------------------- making


def ffmpeg(folder: Path, *words: str) -> None:
    """Run FFmpeg in a folder."""
    run = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"ffmpeg {' '.join(words)}: {run.stderr[-600:]}")


def make_parts(folder: Path) -> None:
    """What the files are made of."""
    options = SignalOptions(
        offset_seconds="0.120", duration_seconds=SECONDS, width=320, height=240, rate=25, picture_start=0
    )
    make_signal(folder / "signal.mp4", options)
    ffmpeg(folder, "-f", "lavfi", "-i", f"sine=440:d={SECONDS}", "-ar", "48000", "-ac", "2", "other.wav")
    for name in ("c.jpg", "c.png"):
        ffmpeg(folder, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", name)
    (folder / "font.ttf").write_bytes(hashlib.sha512(b"font").digest() * 50)
    (folder / "data.bin").write_bytes(b"KLV " * 40)
    text = "\n\n".join(f"{k + 1}\n00:00:0{k},200 --> 00:00:0{k},900\nLine {k}" for k in range(SECONDS))
    (folder / "lines.srt").write_text(text + "\n")
    chapters = [(0, 2500, "First"), (2500, 4000, "Second"), (4000, SECONDS * 1000, "Third")]
    body = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={t}\n" for a, b, t in chapters)
    (folder / "chapters.txt").write_text(f";FFMETADATA1\n{body}")


TAGS: dict[str, list[str]] = {
    "tags": ["title=The film", "artist=Someone", "comment=A comment"],
    "itunes": ["album=An album", "genre=A genre", "copyright=Nobody", "description=Words"],
    "free": ["director=A director", "catalogue_number=X-12"],
    "mdta": ["com.apple.quicktime.make=Maker", "com.apple.quicktime.model=Model", "title=The film"],
}


def make(case: Case, folder: Path, name: str) -> Path:
    """Make the file of a case."""
    inputs, maps, codecs = ["-i", "signal.mp4"], ["-map", "0:v:0", "-map", "0:a:0"], []
    codecs += ["-c:v:0", *case.picture.split(), *f"-c:a {case.sound} -ar 48000 -strict -2".split()]
    number = 1
    for more in range(case.more_sounds):
        inputs += ["-i", "other.wav"]
        maps += ["-map", f"{number}:a:0"]
        codecs += [f"-metadata:s:a:{more + 1}", f"language={('fra', 'deu')[more]}"]
        codecs += [f"-disposition:a:{more + 1}", ("comment", "visual_impaired")[more]]
        number += 1
    for which, codec in enumerate(case.subtitles):
        inputs += ["-i", "lines.srt"]
        maps += ["-map", f"{number}:s:0"]
        codecs += [f"-c:s:{which}", codec, f"-metadata:s:s:{which}", f"language={('eng', 'spa')[which]}"]
        codecs += [f"-disposition:s:{which}", ("forced", "hearing_impaired")[which]]
        number += 1
    if "cover" in case.extras and case.kind.ending == ".mp4":
        inputs += ["-i", "c.jpg"]
        maps += ["-map", f"{number}:v:0"]
        codecs += ["-c:v:1", "copy", "-disposition:v:1", "attached_pic"]
        number += 1
    if "data" in case.extras:
        inputs += ["-f", "data", "-i", "data.bin"]
        maps += ["-map", f"{number}:d:0"]
        codecs += ["-c:d", "copy"]
        number += 1
    if "chapters" in case.extras:
        inputs += ["-i", "chapters.txt"]
        codecs += ["-map_chapters", str(number)]
        number += 1
    codecs += [
        word
        for extra in sorted(case.extras & TAGS.keys())
        for tag in TAGS[extra]
        for word in ("-metadata", tag)
    ]
    flags = {
        "faststart": "faststart",
        "fragments": "frag_keyframe+empty_moov+delay_moov",
        "mdta": "use_metadata_tags",
    }
    wanted = [flags[extra] for extra in sorted(case.extras & flags.keys())]
    codecs += ["-movflags", "+".join(wanted)] if wanted else []
    codecs += ["-timecode", "10:00:00:00"] if "timecode" in case.extras else []
    codecs += ["-metadata:s:v:0", "rotate=90"] if "rotation" in case.extras else []
    codecs += (
        ["-metadata", "service_name=Channel", "-metadata", "service_provider=Us"]
        if "service" in case.extras
        else []
    )
    for extra, attached, mime in (
        ("cover", "c.jpg", "image/jpeg"),
        ("png", "c.png", "image/png"),
        ("font", "font.ttf", "application/x-truetype-font"),
    ):
        if extra in case.extras and case.kind.ending == ".mkv":
            attachments = codecs.count("-attach")
            codecs += ["-attach", attached, f"-metadata:s:t:{attachments}", f"mimetype={mime}"]
    made = folder / f"{name}{case.kind.ending}"
    # Tags of the signal itself would come along.
    ffmpeg(folder, *inputs, *maps, "-map_metadata", "-1", *codecs, made.name)
    if "cut" in case.extras:  # an edit list that begins inside a group of pictures
        cut = made.with_name(f"{name}-cut{case.kind.ending}")
        flags_again = ["-movflags", "use_metadata_tags"] if "mdta" in case.extras else []
        ffmpeg(
            folder,
            "-ss",
            "0.7",
            "-i",
            made.name,
            *["-map", "0", "-map", "-0:d", "-c", "copy"],
            *flags_again,
            cut.name,
        )
        return cut
    return made


# ---------------------------------------------------------------- looking


@dataclass
class Seen:
    """What ffprobe lists of a file."""

    streams: list[dict[str, Any]]
    packets: dict[int, list[tuple[str, float | None]]]
    """Of each stream: MD5 and stamp (seconds after the first frame) of each packet."""
    chapters: list[tuple[float, str]]
    tags: dict[str, str]
    form: str
    """The container's name."""


def look(path: Path) -> Seen:
    """Everything that ffprobe says about a file."""
    shown = ["-show_streams", "-show_format", "-show_chapters", "-show_packets", "-show_data_hash", "MD5"]
    words = [*shown, "-of", "json", "-v", "quiet"]
    run = subprocess.run(["ffprobe", *words, str(path)], capture_output=True, check=True)
    found = json.loads(run.stdout.decode("utf-8", "replace"))
    packets: dict[int, list[tuple[str, float | None]]] = defaultdict(list)
    for packet in found.get("packets", ()):
        stamp = packet.get("pts_time")
        packets[packet["stream_index"]].append(
            (packet.get("data_hash", ""), None if stamp is None else float(stamp))
        )
    chapters = [
        (float(c["start_time"]), c.get("tags", {}).get("title", "")) for c in found.get("chapters", ())
    ]
    tags = lowered(found["format"].get("tags", {}))
    return Seen(found["streams"], packets, chapters, tags, found["format"]["format_name"])


def lowered(tags: dict[str, str]) -> dict[str, str]:
    """Tags that say something about the content."""
    return {
        key.lower(): value
        for key, value in tags.items()
        if key.lower() not in OF_THE_WRITER and not key.lower().startswith(COUNTED)
    }


def kind_of(stream: dict[str, Any]) -> str:
    """Covers apart from video."""
    return "cover" if stream.get("disposition", {}).get("attached_pic") else stream.get("codec_type", "data")


def lost(before: Seen, after: Seen, how: str) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """What is lost, and how to tell whether a line of the report names it."""
    places = places_of(before, after)
    for stream in before.streams:
        index = stream["index"]
        begins = f"stream {index} ("
        if index not in places:
            if is_chapter_track(stream, before) and after.chapters:
                continue
            yield (
                f"stream {index} {kind_of(stream)} {stream.get('codec_name')}",
                lambda line, b=begins: b in line,
            )
            continue
        other = after.streams[places[index]]
        for what, names in lost_of_stream(stream, other, begins):
            yield what, lambda line, n=names, b=begins: n(line) or (b in line and "was left out:" in line)
        if how == "fix":
            yield from lost_packets(before, after, stream, places[index])
    for key, value in before.tags.items():
        if after.tags.get(key) != value:
            yield (
                f"tag {key}",
                lambda line, k=key: (
                    (f"tag {k}=" in line and "of the file" in line) or (k in line and "moved on" in line)
                ),
            )
    if how != "trim" and [title for _, title in after.chapters] != [title for _, title in before.chapters]:
        yield "chapters", lambda line: "chapter" in line
    if how == "fix" and any(
        abs(a - b) > 0.0015 for (a, _), (b, _) in zip(before.chapters, after.chapters, strict=False)
    ):
        yield "times of chapters", lambda line: "chapter" in line


def places_of(before: Seen, after: Seen) -> dict[int, int]:
    """Number of each stream to its number in the copy: of each kind in order, data by its bytes or codec."""
    places, taken = {}, set()
    for stream in before.streams:
        for number, other in enumerate(after.streams):
            same = kind_of(stream) == kind_of(other)
            if same and kind_of(stream) in ("data", "subtitle", "attachment"):
                same = stream.get("codec_name") == other.get("codec_name") and stream.get(
                    "codec_tag_string"
                ) in (other.get("codec_tag_string"), "[0][0][0][0]", "[6][0][0][0]")
            if same and number not in taken:
                places[stream["index"]] = number
                taken.add(number)
                break
    return places


def is_chapter_track(stream: dict[str, Any], of: Seen) -> bool:
    """QuickTime's chapters are a track of text, which is written anew with the chapters."""
    return stream.get("codec_tag_string") == "text" and bool(of.chapters)


FACTS = {
    "color_primaries": "colour primaries",
    "color_transfer": "transfer curve",
    "color_space": "colour matrix",
    "color_range": "colour range",
    "sample_aspect_ratio": "shape of the pixels",
}


def lost_of_stream(
    stream: dict[str, Any], other: dict[str, Any], begins: str
) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Tags, dispositions, codec tag, colours and side data of one stream."""
    kind = kind_of(stream)
    now = lowered(other.get("tags", {}))
    for key, value in lowered(stream.get("tags", {})).items():
        if now.get(key) != value and (key, value) not in (("language", "und"), ("vendor_id", "[0][0][0][0]")):
            yield (
                f"tag {key} of {kind}",
                lambda line, k=key: (
                    (begins in line and f"tag {k}=" in line) or (k in line and "moved on" in line)
                ),
            )
    for name, given in stream.get("disposition", {}).items():
        if given and not other.get("disposition", {}).get(name):
            yield f"disposition {name} of {kind}", lambda line, n=name: begins in line and n in line
    tags = stream.get("codec_tag_string", ""), other.get("codec_tag_string", "")
    if all(tag.isalnum() for tag in tags) and tags[0] != tags[1]:
        yield f"codec tag {tags[0]} to {tags[1]}", lambda line: begins in line and tags[0] in line
    if kind == "video":
        for key, word in FACTS.items():
            value = stream.get(key)
            if value not in (None, "unknown", "1:1", "0:1") and other.get(key) != value:
                yield f"{key} of video", lambda line, w=word: begins in line and w in line
        sides = {each["side_data_type"] for each in stream.get("side_data_list", ())}
        sides -= {each["side_data_type"] for each in other.get("side_data_list", ())}
        for side in sides - {"CPB properties"}:
            yield f"side data {side}", lambda line: begins in line and ("rotation" in line or "HDR" in line)


def lost_packets(
    before: Seen, after: Seen, stream: dict[str, Any], place: int
) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Packets that are gone or changed, and pictures and subtitles that moved."""
    given, made = before.packets[stream["index"]], after.packets[after.streams[place]["index"]]
    kind = kind_of(stream)
    pcm = str(stream.get("codec_name")).startswith("pcm_")
    if pcm and before.form != after.form:
        return  # each container cuts uncompressed sound into packets of its own
    if len(given) != len(made):
        yield (
            f"{len(given) - len(made)} packets of {kind}",
            lambda line: "packets of sound" in line or (kind == "audio" and "encoded again" in line),
        )
    elif kind != "audio" and stream.get("codec_name") == after.streams[place].get("codec_name"):
        if [md5 for md5, _ in given] != [md5 for md5, _ in made] and same_wrapping(before, after):
            yield f"packets of {kind} changed", lambda line: False
        first = min((at for md5, at in given if at is not None), default=0.0)
        moved = max(
            (
                abs(a - b)
                for (_, a), (_, b) in zip(given, made, strict=True)
                if a is not None and b is not None
            ),
            default=0.0,
        )
        if moved > 0.0015 and first >= 0 and same_wrapping(before, after):
            yield f"{kind} moved by {moved:.3f} s", lambda line: "with the time of the next one" in line


def same_wrapping(before: Seen, after: Seen) -> bool:
    """Whether packets look the same in both: H.264 of a transport stream is wrapped otherwise in MP4."""
    return before.streams[0].get("is_avc") == after.streams[0].get("is_avc")


# ---------------------------------------------------------------- the three ways


@dataclass
class Outcome:
    """What became of a file on one way."""

    case: Case
    how: str
    named: list[str]
    unnamed: list[str]
    failed: str = ""


def go(case: Case, made: Path, how: str, folder: Path) -> Outcome:
    """Send a file through one way and compare."""
    target = folder / f"out-{how}{case.target}"
    try:
        lines = WAYS[how](made, target)
    except GenlockError as error:
        return Outcome(case, how, [], [], str(error))
    if isinstance(lines, str):
        return Outcome(case, how, [], [], lines)
    found = list(lost(look(made), look(target), how))
    target.unlink()
    named = [what for what, names in found if any(names(line) for line in lines)]
    return Outcome(
        case, how, named, [what for what, names in found if not any(names(line) for line in lines)]
    )


def fix(made: Path, target: Path) -> list[str] | str:
    """``genlock sync --fix``."""
    repair = sync_video(made, SyncOptions(fix=str(target))).repair
    if repair is None or repair.written is None:
        return "not measured" if repair is None else f"{repair.status}: {repair.reason}"
    return [*repair.written.left_out, *repair.written.notes]


def mux_all(made: Path, target: Path) -> list[str]:
    """Every picture and every sound."""
    info = probe(made, whole=False)
    copies = [Copy(made, "video", each.number) for each in info.video]
    copies += [Copy(made, "audio", each.number) for each in info.audio]
    report = mux(target, copies)
    return [*report.left_out, *report.notes]


def trim_middle(made: Path, target: Path) -> list[str]:
    """From 1.3 to 4.6 s after the first frame."""
    start = probe(made, whole=False).video[0].start or Fraction(0)
    report = trim(made, target, start + Fraction(13, 10), start + Fraction(46, 10))
    return [*report.left_out, *report.notes]


WAYS: dict[str, Callable[[Path, Path], list[str] | str]] = {"fix": fix, "mux": mux_all, "trim": trim_middle}


def main() -> int:
    """Print the table; status 1 if anything was lost that was not named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first file, to go on")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--list", action="store_true", help="print every loss")
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        print("lossless_repair: needs ffmpeg and ffprobe")
        return 0
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="genlock-lossless-") as name:
        folder = Path(name)
        make_parts(folder)
        for number, case in enumerate(cases(options.first + options.count, options.seed)):
            if number < options.first:
                continue
            made = make(case, folder, f"film{number}")
            for how in WAYS:
                outcome = go(case, made, how, folder)
                outcomes.append(outcome)
                if outcome.unnamed or outcome.failed or options.list:
                    print(f"{number:3d} {how:4} {case}", flush=True)
                    for word, what in (("named", outcome.named), ("NOT NAMED", outcome.unnamed)):
                        print("".join(f"        {word}: {each}\n" for each in what), end="")
                    print(f"        {outcome.failed}\n" if outcome.failed else "", end="", flush=True)
            made.unlink()
    return show(outcomes)


def show(outcomes: list[Outcome]) -> int:
    """The table."""
    print(
        f"{'container':12} {'way':5} {'files':>6} {'refused':>8} {'lost and named':>15} {'lost and NOT named':>19}"
    )
    rows: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        for key in ((outcome.case.kind.ending, outcome.how), ("all", outcome.how)):
            rows[key].update(
                files=1, refused=bool(outcome.failed), named=len(outcome.named), unnamed=len(outcome.unnamed)
            )
    for (ending, how), row in sorted(rows.items(), key=lambda item: (item[0][0] == "all", item[0])):
        print(
            f"{ending:12} {how:5} {row['files']:6} {row['refused']:8} {row['named']:15} {row['unnamed']:19}"
        )
    return int(any(outcome.unnamed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
