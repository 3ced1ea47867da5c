"""A click planted at an odd instant is read within 1 ms of it and in the right frame, whatever the
container."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.media import Sound, VideoForm, encode, frame_cells, probe, read_audio, read_frames

LIMIT_SECONDS = 0.001

SOUND_ONLY = [
    ("wav", "pcm_s16le", (8000, 11025, 16000, 44100, 48000)),
    ("flac", "flac", (8000, 44100, 48000)),
    ("ogg", "libopus", (8000, 16000, 48000)),
    ("mp3", "libmp3lame", (8000, 11025, 16000, 22050, 44100, 48000)),
    ("m4a", "aac", (8000, 16000, 22050, 44100, 48000)),
]
OFFSETS = ("0", "-0.5", "-0.1234", "0.3217", "2")
WITH_PICTURE = [
    ("mp4", "aac", "libx264", (8000, 44100, 48000)),
    ("mkv", "libopus", "libx264", (16000, 48000)),
    ("mkv", "aac", "libx264", (44100,)),
    ("webm", "libopus", "libvpx", (48000,)),
    ("mov", "pcm_s16le", "libx264", (44100,)),
    ("ts", "aac", "libx264", (44100,)),
    ("mpg", "mp2", "mpeg2video", (44100,)),
    ("flv", "aac", "libx264", (44100,)),
]
FRAME_RATES = ("25", "30000/1001", "43/2", "60", "variable")


def centroids(track, truths):
    """Centroid of the energy within 0.1 s of each truth, in seconds."""
    times, energy = track.centers, track.values.astype(np.float64) ** 2
    found = []
    for truth in truths:
        near = np.abs(times - truth) < 0.1
        found.append((energy[near] * times[near]).sum() / energy[near].sum())
    return np.array(found)


@pytest.mark.parametrize("ending, codec, rates", SOUND_ONLY, ids=lambda v: str(v))
def test_click_in_a_file_of_sound(media_tools, tmp_path, ending, codec, rates):
    for rate in rates:
        path = tmp_path / f"clip{rate}.{ending}"
        encode(path, sound=Sound(media_tools.clicks(rate), rate, codec=codec))
        for asked in (None, 16000):
            found = centroids(read_audio(path, rate=asked), media_tools.INSTANTS)
            assert np.abs(found - media_tools.INSTANTS).max() < LIMIT_SECONDS, (rate, asked)
        assert probe(path).audio[0].start == 0


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("ending, codec, video, rates", WITH_PICTURE, ids=lambda v: str(v))
def test_click_beside_a_picture(media_tools, tmp_path, ending, codec, video, rates, offset):
    sound_start, picture_start = max(Fraction(0), Fraction(offset)), max(Fraction(0), -Fraction(offset))
    several = FRAME_RATES[:2] if ending in ("mpg", "ts", "flv", "webm") else FRAME_RATES
    for rate in rates:
        for frame_rate in several if (rate == rates[0] and offset in ("0", "-0.1234")) else several[1:2]:
            path = tmp_path / f"clip.{ending}"
            # No click lies within 1 ms of a frame edge, which containers of milliseconds could not tell.
            # The picture is lit when the click is heard: its frames are laid out on the sound's time.
            heard = tuple(round(i + float(sound_start - picture_start), 6) for i in media_tools.INSTANTS)
            picture = media_tools.lit_picture(frame_rate, picture_start, video, heard)
            encode(path, picture, Sound(media_tools.clicks(rate), rate, start=sound_start, codec=codec))
            began = probe(path).video[0].start
            # Muxers of streams (ts, mpg) move both by a delay of their own: the truth is beside the picture.
            truths = np.array(heard) + float(began)
            truths = truths[truths < float(began) + 1.65]  # the picture lasts 1.7 s
            found = centroids(read_audio(path, rate=None), truths) if len(truths) else np.zeros(0)
            assert np.all(np.abs(found - truths) < LIMIT_SECONDS), (rate, frame_rate, found - truths)
            lit = [c for c in read_frames(path, VideoForm(pixels="gray")) if c.pixels.mean() > 128]
            cells, _ = frame_cells(path)
            for instant in found:
                if instant < cells.edge(0):
                    continue  # heard before the picture begins
                frame = cells.index(float(instant), "floor")
                assert frame in [cell.index for cell in lit], (rate, frame_rate, instant)


def test_mp3_with_tags_and_variable_rate_and_without_its_header(media_tools, tmp_path, ffmpeg):
    wav = tmp_path / "a.wav"
    encode(wav, sound=Sound(media_tools.clicks(44100), 44100))
    for name, extra in {
        "cbr": ("-b:a", "128k"),
        "vbr": ("-q:a", "2"),
        "abr": ("-abr", "1", "-b:a", "96k"),
        "tags": ("-metadata", "title=Ünï", "-id3v2_version", "3", "-write_id3v1", "1"),
    }.items():
        path = tmp_path / f"{name}.mp3"
        ffmpeg("ffmpeg", "-i", wav, *extra, path)
        found = centroids(read_audio(path, rate=None), media_tools.INSTANTS)
        assert np.abs(found - media_tools.INSTANTS).max() < LIMIT_SECONDS, name
        assert probe(path).audio[0].encoder_delay_samples == 1105
    # Without the LAME header nothing states the delay: none may be guessed.
    bare = tmp_path / "bare.mp3"
    ffmpeg("ffmpeg", "-i", wav, "-write_xing", "0", bare)
    assert probe(bare).audio[0].encoder_delay_samples is None
    late = centroids(read_audio(bare, rate=None), media_tools.INSTANTS) - media_tools.INSTANTS
    assert np.all(late > 0.02)


def test_vorbis_beside_a_picture_and_alone(media_tools, tmp_path, ffmpeg):
    source = tmp_path / "a.mov"
    picture = media_tools.lit_picture("25", Fraction(0), "libx264")
    encode(source, picture, Sound(media_tools.clicks(44100), 44100, codec="pcm_s16le"))
    alone, beside = tmp_path / "a.ogg", tmp_path / "a.mkv"
    ffmpeg("ffmpeg", "-i", source, "-vn", "-c:a", "libvorbis", alone)
    ffmpeg("ffmpeg", "-i", source, "-c:v", "copy", "-c:a", "libvorbis", beside)
    for path in (alone, beside):
        # Vorbis' first packet gives no sound; Matroska knows no time before zero, so the muxer moves all by 3
        # ms.
        began = float(probe(path).video[0].start) if path == beside else 0.0
        truths = np.array(media_tools.INSTANTS) + began
        assert np.abs(centroids(read_audio(path, rate=None), truths) - truths).max() < LIMIT_SECONDS


def test_samples_lie_on_exact_positions_and_their_count_is_exact(tmp_path):
    for native in (8000, 44100, 48000):
        for length in (1, 2, 777, native, native + 137):
            path = tmp_path / "a.wav"
            encode(path, sound=Sound(np.full(length, 0.25), native))
            for rate in (None, 16000, 22050, 8000):
                track = read_audio(path, rate=rate)
                out = rate or native
                assert len(track) == -(-length * out // native), (native, length, rate)
                assert track.grid.center(7) == Fraction(7, out)
