"""Copied packets keep their bytes; the sound lands where it was sent; nothing is left half-written."""

from __future__ import annotations

import hashlib
import os
from fractions import Fraction

import av
import numpy as np
import pytest

from genlock.core.errors import GenlockError, MediaError, NoStream, OptionError, OutputError
from genlock.media import (
    Picture,
    ReadOptions,
    Sound,
    VideoForm,
    encode,
    frame_cells,
    probe,
    read_audio,
    read_frames,
)
from genlock.media.remux import Copy, mux
from genlock.media.retime import retime
from genlock.media.trim import trim

SHIFTS = ("0.1234567", "-0.2", "0")


def packets(path, kind):
    """Hashes of the packets' bytes."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [hashlib.sha1(bytes(p)).hexdigest() for p in container.demux(stream) if p.size]


def heard_at(path, near):
    """Centroid of the sound's energy within 0.1 s of ``near``, in seconds from the picture's start."""
    track = read_audio(path, rate=None)
    began = float(probe(path).video[0].start)
    times, energy = track.centers - began, track.values.astype(float) ** 2
    window = np.abs(times - near) < 0.1
    return float((energy[window] * times[window]).sum() / energy[window].sum())


def picture_start(path):
    """Start of the first frame, to a millisecond."""
    return round(float(probe(path, whole=False).video[0].start), 3)


@pytest.fixture(scope="module")
def clips(tmp_path_factory, media_tools):
    """One clip for each kind of container, with a click at 0.7771 s."""
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for ending, video, codec in (
        ("mp4", "libx264", "aac"),
        ("mkv", "libx264", "libopus"),
        ("mpg", "mpeg1video", "mp2"),
        ("ts", "libx264", "aac"),
        ("avi", "mpeg4", "pcm_s16le"),
        ("mov", "libx264", "pcm_s16le"),
    ):
        rate = 48000 if codec == "libopus" else 44100
        made[ending] = folder / f"clip.{ending}"
        picture = Picture(
            media_tools.numbered(40),
            codec=video,
            options={"g": "10", **({"sc_threshold": "0"} if video == "libx264" else {})},
        )
        encode(made[ending], picture, Sound(media_tools.clicks(rate), rate, codec=codec))
    return made


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize(
    "given, wanted",
    [
        ("mp4", "mp4"),
        ("mp4", "mkv"),
        ("mp4", "mov"),
        ("mkv", "mkv"),
        ("mkv", "mp4"),
        ("mpg", "mpg"),
        ("mpg", "mp4"),
        ("ts", "ts"),
        ("avi", "mkv"),
        ("mov", "mov"),
    ],
)
def test_retime_copies_every_packet_and_moves_the_sound(clips, tmp_path, given, wanted, shift):
    target = tmp_path / f"out.{wanted}"
    before = heard_at(clips[given], 0.7771)
    report = retime(clips[given], target, shift)
    assert (report.video, report.sound) == ("copied", "copied")
    assert packets(target, "video") == packets(clips[given], "video")
    kept, all_packets = packets(target, "audio"), packets(clips[given], "audio")
    gone = len(all_packets) - len(kept)
    assert kept == all_packets[gone:]
    # What would come before 0 s is hidden by an edit list, or left out and named.
    named = [int(line.split()[0]) for line in report.left_out if "packets of sound" in line]
    assert named == ([gone] if gone else [])
    assert gone == 0 or (shift == "-0.2" and wanted not in ("mp4", "mov"))
    assert picture_start(target) == picture_start(clips[given])
    after = heard_at(target, 0.7771 + float(Fraction(shift)))
    coarse = 0.0011 if "mkv" in (given, wanted) else 0.00013  # ticks of 1 ms; of a sample and of 1/90000 s
    assert after - before == pytest.approx(float(Fraction(shift)), abs=coarse)
    assert float(report.shift_made) == pytest.approx(after - before, abs=coarse)
    edges = [c.end - c.start for c in read_frames(target)]
    assert edges[:-1] == [Fraction(1, 25)] * 39


def test_retime_where_the_container_cannot_say_it(clips, tmp_path):
    for shift in ("0.1234567", "-0.2"):
        target = tmp_path / "out.avi"
        report = retime(clips["avi"], target, shift)
        assert (report.video, report.sound) == ("copied", "encoded")
        assert any("cannot say" in note for note in report.notes)
        assert packets(target, "video") == packets(clips["avi"], "video")
        moved = heard_at(target, 0.7771 + float(Fraction(shift))) - heard_at(clips["avi"], 0.7771)
        assert moved == pytest.approx(float(Fraction(shift)), abs=1 / 44100)


def test_measure_fix_measure_again(clips, tmp_path):
    """A click that belongs to 0.7 s but is heard at 0.7771 s is brought there: offset -0.0771, added."""
    target = tmp_path / "fixed.mp4"
    retime(clips["mp4"], target, Fraction(7, 10) - Fraction("0.7771"))
    assert heard_at(target, 0.7) == pytest.approx(0.7, abs=0.0001)


def test_mux_takes_streams_of_several_files(clips, tmp_path, media_tools):
    song = tmp_path / "song.mp3"
    encode(song, sound=Sound(media_tools.clicks(44100), 44100, codec="libmp3lame"))
    for ending in ("mp4", "mkv"):
        target = tmp_path / f"both.{ending}"
        mux(
            target,
            [Copy(clips["mp4"], "video"), Copy(song, "audio", shift="0.05")],
            metadata={"title": "both"},
        )
        assert packets(target, "video") == packets(clips["mp4"], "video")
        assert packets(target, "audio") == packets(song, "audio")
        # The delay that the MP3 states is taken out, though the other container states it otherwise.
        assert heard_at(target, 0.8271) == pytest.approx(0.8271, abs=0.0011)


@pytest.mark.parametrize("start, end", [("0", "1"), ("0.81", "1.2"), ("0.4", "1.28"), ("0.3333", "0.9")])
@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi", "mpg", "ts"])
def test_trim_is_exact(clips, tmp_path, media_tools, ending, start, end):
    target = tmp_path / f"part.{'mkv' if ending in ('mpg', 'ts') else ending}"
    source = clips[ending]
    began = probe(source).video[0].start
    low, high = began + Fraction(start), began + Fraction(end)
    report = trim(source, target, low, high)
    cells, _ = frame_cells(source)
    first, last = cells.index(low, "floor"), cells.index(high, "ceil")
    assert report.zero == cells.edge(first)
    shown = list(read_frames(target, VideoForm(pixels="gray")))
    assert [media_tools.number_of(c.pixels) for c in shown] == list(range(first, last))
    zero = shown[0].start
    assert [c.start - zero for c in shown] == pytest.approx(
        [cells.edge(k) - cells.edge(first) for k in range(first, last)]
    )
    instant = 0.7771 + float(began)
    if float(report.zero) + 0.02 < instant < float(high) - 0.02:
        track = read_audio(target, rate=None)
        times, energy = track.centers - float(zero), track.values.astype(float) ** 2
        truth = instant - float(report.zero)
        near = np.abs(times - truth) < 0.03
        assert (energy[near] * times[near]).sum() / energy[near].sum() == pytest.approx(truth, abs=0.0012)
    sound = read_audio(target, rate=None)
    assert sound.centers[0] >= float(zero) - 0.0011
    assert sound.centers[-1] < float(zero) + float(high - report.zero) + 0.06


def test_trim_copies_what_it_can(clips, tmp_path):
    at_key = trim(clips["mkv"], tmp_path / "a.mkv", "0.4", "1.2")
    assert (at_key.video, at_key.sound) == ("copied", "encoded")
    assert set(packets(tmp_path / "a.mkv", "video")) <= set(packets(clips["mkv"], "video"))
    assert trim(clips["mkv"], tmp_path / "b.mkv", "0.48", "1.2").video == "encoded"
    hidden = trim(clips["mp4"], tmp_path / "c.mp4", "0.48", "1.2")
    assert (hidden.video, hidden.sound) == ("copied", "copied")
    assert set(packets(tmp_path / "c.mp4", "audio")) <= set(packets(clips["mp4"], "audio"))


def test_trim_of_sound_alone(tmp_path, media_tools):
    source, target = tmp_path / "a.flac", tmp_path / "b.wav"
    encode(source, sound=Sound(media_tools.clicks(44100), 44100, codec="flac"))
    report = trim(source, target, "0.50001", "1.00001")
    assert report.zero == Fraction(22051, 44100)
    whole, part = read_audio(source, rate=None).values, read_audio(target, rate=None).values
    assert len(part) == 22050
    assert np.abs(part - whole[22051 : 22051 + 22050]).max() < 1e-4


def test_variable_rates_survive(tmp_path, media_tools):
    pts, source = [0, 40, 47, 120, 121, 300, 333, 400, 480, 500], tmp_path / "v.mkv"
    encode(
        source,
        Picture(media_tools.numbered(10), pts=pts, time_base="1/1000", codec="libx264"),
        Sound(media_tools.clicks(48000), 48000, codec="flac"),
    )
    for ending in ("mkv", "mp4"):
        retime(source, tmp_path / f"out.{ending}", "0.25")
        assert [c.start for c in read_frames(tmp_path / f"out.{ending}")] == [Fraction(p, 1000) for p in pts]
    trim(source, tmp_path / "cut.mkv", "0.13", "0.45")
    assert [c.start * 1000 for c in read_frames(tmp_path / "cut.mkv")] == [0, 179, 212, 279]


# ---------------------------------------------------------------- what cannot be written


def test_nothing_is_left_half_written(clips, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    kept = folder / "kept.mp4"
    kept.write_bytes(b"before")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clips["mp4"].read_bytes()[:3000])
    for act, error in (
        (lambda: retime(broken, kept, 1), MediaError),
        (lambda: trim(clips["mp4"], kept, 50, 51), MediaError),
        (lambda: trim(clips["mp4"], kept, 1, 1), OptionError),
        (lambda: retime(clips["mp4"], folder / "a.nonsense", 1), OutputError),
        (lambda: retime(clips["mov"], folder / "a.ts", 1), OutputError),
        (lambda: retime(clips["mkv"], folder / "a.avi", 1), OutputError),
        (lambda: mux(kept, []), OptionError),
        (lambda: mux(kept, [Copy(clips["mp4"], "video", number=4)]), OptionError),
        (lambda: encode(kept), OptionError),
        (lambda: encode(folder / "a.mp4", sound=Sound(np.zeros(10), 12345, codec="aac")), OutputError),
        (
            lambda: encode(folder / "a.mp4", Picture([np.zeros((8, 8), np.uint8)], pts=[0, 1], time_base=1)),
            OptionError,
        ),
        (lambda: encode(tmp_path, sound=Sound(np.zeros(10), 8000)), OutputError),
    ):
        with pytest.raises(error) as caught:
            act()
        assert isinstance(caught.value, GenlockError)
        assert os.listdir(folder) == ["kept.mp4"]
        assert kept.read_bytes() == b"before"


def test_a_source_can_be_its_own_target(clips, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clips["mp4"].read_bytes())
    retime(path, path, "0.1")
    assert heard_at(path, 0.8771) == pytest.approx(0.8771, abs=0.0001)


def test_a_full_disk(tmp_path, media_tools):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with pytest.raises(OutputError):
        encode("/proc/none/a.wav", sound=Sound(np.zeros(100), 8000))


def test_retime_needs_both(tmp_path):
    path = tmp_path / "v.mp4"
    encode(path, Picture([np.zeros((16, 16), np.uint8)] * 3, codec="libx264"))
    with pytest.raises(NoStream, match="has no sound"):
        retime(path, tmp_path / "o.mp4", 1)


def test_a_cut_read_of_what_was_written(clips, tmp_path):
    target = tmp_path / "out.mp4"
    retime(clips["mp4"], target, "0.5")
    part = read_audio(target, rate=16000, options=ReadOptions(start="1.2", end="1.4"))
    times, energy = part.centers, part.values.astype(float) ** 2
    assert (energy * times).sum() / energy.sum() == pytest.approx(1.2771, abs=0.0002)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_trimming_keeps_an_odd_rate_exact_when_it_encodes(tmp_path, media_tools, ending):
    source, target = tmp_path / "v.mp4", tmp_path / f"cut.{ending}"
    picture = Picture(media_tools.numbered(40), "30000/1001", codec="libx264", options={"bf": "3", "g": "40"})
    encode(source, picture, Sound(media_tools.clicks(44100), 44100, codec="aac"))
    report = trim(source, target, "0.5", "0.93")
    assert report.video == "encoded"
    info = probe(target).video[0]
    assert info.rate == Fraction(30000, 1001)
    assert [media_tools.number_of(c.pixels) for c in read_frames(target)] == list(range(14, 28))
