"""Sounds moved where they lie: only the stated bytes change, and every reader agrees on where they lie then."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.core.errors import OutputError
from genlock.media import Picture, Sound, encode
from genlock.media.patch.base import CannotPatch, Move
from genlock.media.patch.matroska import patch_matroska
from genlock.media.patch.mp4 import boxes, patch_index
from genlock.media.patch.mpeg import patch_program_stream, patch_transport_stream
from genlock.media.patch.sounds import patch_sounds
from genlock.media.retime import retime

KINDS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "pcm_s16le"),
    ".mkv": ("libx264", "flac"),
    ".webm": ("libvpx", "libopus"),
    ".ts": ("libx264", "aac"),
    ".mpg": ("mpeg2video", "mp2"),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, films = tmp_path_factory.mktemp("films"), {}
    frames = [np.full((64, 64), 4 * k, np.uint8) for k in range(50)]
    tone = np.sin(np.arange(96000) / 20).astype(np.float32) * 0.3
    for ending, (video, audio) in KINDS.items():
        films[ending] = folder / f"film{ending}"
        options = {"bf": "2"} if video == "libx264" else {}
        encode(
            films[ending],
            Picture(frames, codec=video, options=options, start=1),
            Sound(tone, codec=audio, start=1),
        )
    return films


def stamps(path: Path, kind: str, number: int = 0) -> list[tuple[bytes, Fraction]]:
    """Bytes and instant of each packet."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[number]
        return [
            (bytes(p), p.pts * p.time_base) for p in container.demux(stream) if p.size and p.pts is not None
        ]


@pytest.mark.parametrize("shift", ["0.120", "-0.3", "0.0101"])
@pytest.mark.parametrize("ending", KINDS)
def test_every_packet_stays_and_only_the_sound_moves(
    films: dict[str, Path], tmp_path: Path, ending: str, shift: str
) -> None:
    target = tmp_path / f"moved{ending}"
    report = retime(films[ending], target, shift)
    assert report.left_out == ()
    assert report.notes == ()
    assert stamps(target, "video") == stamps(films[ending], "video")
    before, after = stamps(films[ending], "audio"), stamps(target, "audio")
    assert [data for data, _ in after] == [data for data, _ in before]
    moved = {b - a for (_, a), (_, b) in zip(before, after, strict=True)}
    assert moved == {report.shift_made}
    tick = Fraction(1, 1000) if ending in (".mkv", ".webm") else Fraction(1, 48000)
    assert report.shift_made is not None
    assert abs(report.shift_made - Fraction(shift)) <= tick / 2


@pytest.mark.parametrize("ending", [".mkv", ".ts", ".mpg"])
def test_no_byte_differs_but_the_stamps(films: dict[str, Path], tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"moved{ending}"
    retime(films[ending], target, "0.120")
    before = np.frombuffer(films[ending].read_bytes(), np.uint8)
    after = np.frombuffer(target.read_bytes(), np.uint8)
    assert len(before) == len(after)
    # At most ten bytes a packet, and a checksum and two numbers for each cluster.
    assert np.count_nonzero(before != after) <= 12 * len(stamps(target, "audio"))
    back = tmp_path / f"back{ending}"
    retime(target, back, "-0.120")
    assert stamps(back, "audio") == stamps(films[ending], "audio")


def test_all_of_an_mp4_but_its_index_is_the_same(films: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "moved.mp4"
    retime(films[".mp4"], target, "0.120")
    before, after = films[".mp4"].read_bytes(), target.read_bytes()

    def others(data: bytes) -> dict[bytes, bytes]:
        kept = bytearray(data)
        return {kind: data[at:end] for kind, at, _, end in boxes(kept, 0, len(kept)) if kind != b"moov"}

    assert others(before) == others(after)
    assert before.count(b"avc1") == after.count(b"avc1")


@pytest.mark.parametrize(
    "flags", ["faststart", "frag_keyframe+empty_moov", "frag_keyframe+empty_moov+default_base_moof"]
)
@pytest.mark.parametrize("shift", ["0.120", "-0.3"])
def test_where_the_index_comes_first(tmp_path: Path, flags: str, shift: str) -> None:
    film, target = tmp_path / "film.mp4", tmp_path / "moved.mp4"
    frames = [np.full((64, 64), 4 * k, np.uint8) for k in range(50)]
    sound = Sound(np.sin(np.arange(96000) / 20).astype(np.float32), codec="aac")
    encode(film, Picture(frames, codec="libx264", options={"g": "10"}), sound, options={"movflags": flags})
    retime(film, target, shift)
    assert stamps(target, "video") == stamps(film, "video")
    before, after = stamps(film, "audio"), stamps(target, "audio")
    assert [data for data, _ in after] == [data for data, _ in before]
    assert {b - a for (_, a), (_, b) in zip(before, after, strict=True)} == {Fraction(shift)}
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50


def test_only_the_sound_that_is_asked_for(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    frames, tone = [np.zeros((64, 64), np.uint8)] * 25, np.zeros(48000, np.float32)
    encode(tmp_path / "a.mkv", Picture(frames, codec="libx264"), Sound(tone, codec="flac"))
    with av.open(str(tmp_path / "a.mkv")) as given, av.open(str(film), "w") as made:
        video, audio = given.streams.video[0], given.streams.audio[0]
        outs = [made.add_stream_from_template(stream, opaque=True) for stream in (video, audio, audio)]
        for packet in given.demux(video, audio):
            if packet.size:
                pts, dts = packet.pts, packet.dts
                for out in outs[:1] if packet.stream is video else outs[1:]:
                    packet.pts, packet.dts, packet.stream = pts, dts, out
                    made.mux_one(packet)
    report = retime(film, tmp_path / "one.mkv", "0.1", only=[1])
    assert stamps(tmp_path / "one.mkv", "audio", 0) == stamps(film, "audio", 0)
    moved = stamps(tmp_path / "one.mkv", "audio", 1)
    assert [at for _, at in moved] == [at + Fraction(1, 10) for _, at in stamps(film, "audio", 1)]
    assert report.shift_made == Fraction(1, 10)
    retime(film, tmp_path / "all.mkv", "0.1")
    assert stamps(tmp_path / "all.mkv", "audio", 0)[0][1] == stamps(film, "audio", 0)[0][1] + Fraction(1, 10)


def test_what_would_come_before_zero_is_named(tmp_path: Path) -> None:
    frames, tone = [np.zeros((64, 64), np.uint8)] * 50, np.zeros(96000, np.float32)
    for ending in (".mkv", ".ts"):
        film, target = tmp_path / f"film{ending}", tmp_path / f"moved{ending}"
        encode(film, Picture(frames, codec="libx264"), Sound(tone, codec="aac"))
        report = retime(film, target, "-0.5")
        gone = len(stamps(film, "audio")) - len(stamps(target, "audio"))
        assert gone > 0
        assert report.left_out == (f"{gone} packets of sound that would come before 0 s were left out",)
        assert stamps(target, "video") == stamps(film, "video")
        assert min(at for _, at in stamps(target, "audio")) > -0.03  # a packet's encoder delay


# ---------------------------------------------------------------- by hand


def element(ident: bytes, body: bytes) -> bytes:
    return ident + struct.pack(">Q", len(body) | 1 << 56) + body


def matroska(cluster_time: int, stamp: int, sealed: bool = True) -> bytes:
    """A file with one cluster of one block of sound."""
    track = element(b"\xae", element(b"\xd7", b"\x01") + element(b"\x83", b"\x02"))
    inside = element(b"\xe7", struct.pack(">Q", cluster_time))
    inside += element(b"\xa3", b"\x81" + struct.pack(">h", stamp) + b"\x80data")
    if sealed:
        inside = element(b"\xbf", struct.pack("<I", zlib.crc32(inside))) + inside
    segment = element(b"\x16\x54\xae\x6b", track) + element(b"\x1f\x43\xb6\x75", inside)
    return element(b"\x1a\x45\xdf\xa3", b"") + element(b"\x18\x53\x80\x67", segment)


def test_checksums_of_matroska_are_written_anew() -> None:
    data = bytearray(matroska(5000, 10))
    done = patch_matroska(data, [Move(0, 0, Fraction(1, 8))])
    assert bytes(data) == matroska(5000, 135)
    assert done.made == {0: Fraction(1, 8)}


def test_a_block_that_cannot_hold_its_stamp_is_refused_and_the_file_written_anew(tmp_path: Path) -> None:
    with pytest.raises(CannotPatch, match="32 s"):
        patch_matroska(bytearray(matroska(5000, 0)), [Move(0, 0, Fraction(33))])
    film, target = tmp_path / "film.mkv", tmp_path / "moved.mkv"
    encode(
        film,
        Picture([np.zeros((64, 64), np.uint8)] * 25, codec="libx264"),
        Sound(np.zeros(48000), codec="flac"),
    )
    report = retime(film, target, 33)
    assert stamps(target, "audio")[0][1] == 33
    assert any("written anew" in note for note in report.notes)


def pes(code: int, pts: int) -> bytes:
    stamp = bytes(
        (0x21 | pts >> 29 & 0xE, pts >> 22 & 0xFF, 1 | pts >> 14 & 0xFE, pts >> 7 & 0xFF, 1 | pts << 1 & 0xFE)
    )
    body = bytes((0x80, 0x80, 5)) + stamp + b"sound"
    return struct.pack(">IH", 0x100 | code, len(body)) + body


def test_a_stamp_that_lies_across_two_transport_packets() -> None:
    whole = pes(0xC0, 1 << 32)

    def stream(header: bytes) -> bytes:
        first = b"\x47\x41\x01\x30" + bytes((172, 0)) + b"\xff" * 171 + header[:11]
        rest = header[11:]
        second = b"\x47\x01\x01\x31" + bytes((183 - len(rest), 0)) + b"\xff" * (182 - len(rest)) + rest
        return first + second + (b"\x47\x1f\xff\x10" + b"\xff" * 184) * 5

    data = bytearray(stream(whole))
    assert len(data) % 188 == 0
    patch_transport_stream(data, [Move(0, 0x101, Fraction(1, 9))])
    assert bytes(data) == stream(pes(0xC0, (1 << 32) + 10_000))


def test_stamps_wrap_at_33_bits_and_start_again() -> None:
    given = [(1 << 33) - 5_000, 1_000, 90_000, 126_000, 129_600]
    wanted = [given[0] + 4_000, 5_000, 94_000, 130_000, 133_600]
    pack = b"\0\0\1\xba" + bytes((0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xF8))
    data = bytearray(b"".join(pack + pes(0xC0, pts) + pes(0xE0, pts) for pts in given))
    patch_program_stream(data, [Move(0, 0x1C0, Fraction(4, 90))])
    assert bytes(data) == b"".join(
        pack + pes(0xC0, new) + pes(0xE0, old) for new, old in zip(wanted, given, strict=True)
    )


def test_what_is_damaged_is_refused() -> None:
    move = [Move(0, 1, Fraction(1))]
    for editor in (patch_matroska, patch_transport_stream, patch_program_stream):
        with pytest.raises(CannotPatch):
            editor(bytearray(b"nothing of the kind" * 300), move)
    with pytest.raises(CannotPatch):
        patch_index(bytearray(struct.pack(">I4s", 100, b"moov") + bytes(20)), move)
    with pytest.raises(CannotPatch, match="no track 7"):
        patch_index(bytearray(_empty_movie()), [Move(0, 7, Fraction(1))])


def _empty_movie() -> bytes:
    header = struct.pack(">I4s", 108, b"mvhd") + bytes(12) + struct.pack(">II", 1000, 0) + bytes(80)
    return struct.pack(">I4s", 8 + len(header), b"moov") + header


def test_a_full_disk_leaves_nothing(
    films: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "moved.mkv"
    with pytest.raises(OutputError):
        retime(films[".mkv"], films[".mkv"] / "below.mkv", "0.1")
    with pytest.raises(CannotPatch):
        patch_sounds(films[".mkv"], tmp_path / "a.mkv", "matroska,webm", [Move(3, 0, Fraction(1))])
    assert not target.parent.exists()
