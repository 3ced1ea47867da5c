"""A name is only ever a name, and what cannot be read is said plainly."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from genlock.core.errors import GenlockError, MediaError, MissingDependency
from genlock.media import Picture, Sound, clock_of, encode, probe, read_audio

NAMES = [
    "with space.wav",
    "quo'te\".wav",
    "new\nline.wav",
    "ünï-日本語-кино.wav",
    "-dash.wav",
    "http:colon.wav",
    "a:b.wav",
    "%03d.wav",
    "100%.wav",
    "*.wav",
    "[a-b]?.wav",
    "pipe:1.wav",
    "concat:a|b.wav",
    "file:x.wav",
    "no_ending",
    "~.wav",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name(tmp_path, monkeypatch, name):
    plain, path = tmp_path / "plain.wav", tmp_path / name
    encode(plain, sound=Sound(np.full(800, 0.5), 8000))
    os.rename(plain, path)
    assert len(read_audio(path, rate=None)) == 800
    monkeypatch.chdir(tmp_path)
    assert probe(name).audio[0].rate == 8000
    assert name in probe(name).clock


def test_writing_to_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        if name.endswith(".wav"):
            encode(name, sound=Sound(np.full(800, 0.5), 8000))
            assert sorted(os.listdir(tmp_path)) == [name]
            assert len(read_audio(name, rate=None)) == 800
            os.unlink(name)


def test_a_name_in_no_unicode(tmp_path):
    plain = tmp_path / "plain.wav"
    encode(plain, sound=Sound(np.full(800, 0.5), 8000))
    path = os.fsencode(tmp_path) + b"/\xff\xfe.wav"
    os.rename(os.fsencode(plain), path)
    assert len(read_audio(os.fsdecode(path), rate=None)) == 800
    assert probe(os.fsdecode(path)).clock.encode("utf-8")


def test_a_number_pattern_does_not_open_other_pictures(tmp_path):
    one, other = tmp_path / "a%03d.png", tmp_path / "a000.png"
    encode(
        tmp_path / "one.png",
        Picture([np.zeros((8, 8, 3), np.uint8)], codec="png", pixels="rgb24"),
        container="image2",
    )
    encode(other, Picture([np.zeros((16, 16, 3), np.uint8)], codec="png", pixels="rgb24"), container="image2")
    os.rename(tmp_path / "one.png", one)
    assert probe(one).video[0].width == 8


def test_what_is_no_media(tmp_path):
    empty, text, noise, cut = (tmp_path / n for n in ("empty.mp4", "talk.txt", "noise.mp4", "cut.mp4"))
    empty.touch()
    text.write_text("And so, my fellow Americans\n" * 50)
    noise.write_bytes(np.random.default_rng(0).integers(0, 256, 20000, np.uint8).tobytes())
    encode(tmp_path / "v.mp4", Picture([np.zeros((32, 32), np.uint8)] * 20, codec="libx264"))
    cut.write_bytes((tmp_path / "v.mp4").read_bytes()[:-200])  # the index at the end is gone
    for path, words in (
        (empty, "zero bytes"),
        (tmp_path, "is a folder"),
        (tmp_path / "none.mp4", "does not exist"),
        (text, "not a media file|is a text file"),
        (noise, "not a media file"),
        (cut, "not a media file"),
        (tmp_path / "v.mp4" / "x", "cannot be read"),
    ):
        with pytest.raises(MediaError, match=words) as caught:
            probe(path)
        assert repr(str(path))[1:-1] in str(caught.value)
        assert len(str(caught.value)) < 400
    with pytest.raises(MediaError, match="not a regular file"):
        probe("/dev/null")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "a.wav"
    encode(path, sound=Sound(np.zeros(100), 8000))
    path.chmod(0)
    with pytest.raises(MediaError, match="permission"):
        probe(path)


def test_a_playlist_cannot_reach_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(GenlockError):
        read_audio(path)


def test_truncated_anywhere(tmp_path):
    """Any prefix of a file gives a result or one of our errors."""
    for ending, codec, video in (
        ("mkv", "libopus", "libx264"),
        ("mp4", "aac", "libx264"),
        ("mpg", "mp2", "mpeg1video"),
        ("mp3", "libmp3lame", None),
    ):
        path, part = tmp_path / f"a.{ending}", tmp_path / f"part.{ending}"
        options = {"movflags": "faststart"} if ending == "mp4" else {}
        picture = Picture([np.full((32, 32), 90, np.uint8)] * 25, codec=video) if video else None
        encode(path, picture, Sound(np.sin(np.arange(48000) / 20), 48000, codec=codec), options=options)
        data = path.read_bytes()
        read, told = 0, []
        for size in [*range(1, 40, 7), *range(40, len(data), max(1, len(data) // 13))]:
            part.write_bytes(data[:size])
            try:
                probe(part)
                read_audio(part)
                read += 1
            except GenlockError as error:
                told.append(str(error))
        assert read > 3
        assert all(str(part) in text for text in told)


def test_ffmpeg_says_nothing_on_the_terminal(tmp_path):
    path = tmp_path / "a.mp4"
    encode(
        path,
        Picture([np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)] * 30, codec="libx264"),
    )
    data = bytearray(path.read_bytes())
    data[600:1400] = bytes(800)
    path.write_bytes(data)
    code = "import sys; from genlock.media import probe, read_frames\n"
    code += "probe(sys.argv[1])\ntry:\n    list(read_frames(sys.argv[1]))\nexcept ValueError:\n    pass"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_the_clock_names_the_file_and_its_content(tmp_path):
    one, two = tmp_path / "a.wav", tmp_path / "sub" / "a.wav"
    encode(one, sound=Sound(np.zeros(100), 8000))
    encode(two, sound=Sound(np.ones(100), 8000))
    assert clock_of(one).startswith("media:a.wav#")
    assert clock_of(one) != clock_of(two)
    two.write_bytes(one.read_bytes())
    assert clock_of(one) == clock_of(two)


@pytest.fixture
def server(tmp_path):
    """A web server on this machine that serves the test's folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_url(tmp_path, server, media_tools):
    path = tmp_path / "talk.mkv"
    encode(
        path,
        Picture(media_tools.numbered(25), codec="libx264"),
        Sound(media_tools.clicks(16000), 16000, codec="flac"),
    )
    url = f"{server}/talk.mkv"
    assert probe(url).video[0].rate == 25
    assert np.array_equal(read_audio(url).values, read_audio(path).values)
    assert clock_of(url).startswith("media:talk.mkv#")
    with pytest.raises(GenlockError, match="none.mkv"):
        probe(f"{server}/none.mkv")


def test_a_web_page_needs_yt_dlp(tmp_path, server):
    (tmp_path / "page.html").write_text("<html><body><video src='talk.mp4'></video></body></html>")
    encode(tmp_path / "talk.mp4", sound=Sound(np.zeros(8000), 8000, codec="aac"))
    try:
        import yt_dlp  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependency, match="pip install yt-dlp") as caught:
            probe(f"{server}/page.html")
        assert "\n" not in str(caught.value)
    else:
        assert probe(f"{server}/page.html").audio[0].rate == 8000
