"""One pass, many consumers; exact cuts; what is missing or contradictory is repaired and reported."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from genlock.core import Grid, Ticks
from genlock.core.errors import MediaError, NoStream, OptionError
from genlock.media import (
    AudioForm,
    FrameTimes,
    Picture,
    ReadOptions,
    Sound,
    VideoForm,
    encode,
    frame_cells,
    probe,
    read,
    read_audio,
    read_frames,
)
from genlock.media.mixing import Mixer, mix
from genlock.media.notes import NoteCounter
from genlock.media.sound import SoundTimeline


class Gather:
    """A consumer that keeps everything."""

    def __init__(self, form):
        self.form, self.items, self.finished = form, [], 0

    def push(self, item):
        self.items.append(item)

    def finish(self):
        self.finished += 1

    @property
    def samples(self):
        return np.concatenate([block.samples for block in self.items])


# ---------------------------------------------------------------- one pass


def test_every_consumer_gets_what_a_read_of_its_own_would_give(talking):
    forms = [
        AudioForm(16000),
        AudioForm(22050),
        AudioForm(None, None),
        AudioForm(16000),
        FrameTimes(),
        VideoForm((24, 20), "gray"),
        VideoForm(None, "rgb24"),
        VideoForm((24, 20), "gray", rate="30000/1001"),
    ]
    together = [Gather(form) for form in forms]
    report = read(talking, together)
    assert report.frames == 125
    assert report.notes == ()
    for consumer in together:
        alone = Gather(consumer.form)
        read(talking, [alone])
        assert consumer.finished == 1
        if isinstance(consumer.form, AudioForm):
            assert np.array_equal(consumer.samples, alone.samples)
        else:
            assert [(c.index, c.start, c.end) for c in consumer.items] == [
                (c.index, c.start, c.end) for c in alone.items
            ]
            if not isinstance(consumer.form, FrameTimes):
                assert all(
                    np.array_equal(a.pixels, b.pixels)
                    for a, b in zip(consumer.items, alone.items, strict=True)
                )
    # The same form is converted once: the consumers share read-only arrays.
    assert all(
        np.shares_memory(a.samples, b.samples)
        for a, b in zip(together[0].items, together[3].items, strict=True)
    )
    assert not together[0].items[0].samples.flags.writeable
    assert not together[6].items[0].pixels.flags.writeable


def test_blocks_follow_each_other_exactly(talking):
    for form in (AudioForm(16000), AudioForm(22050), AudioForm(44100, 2), AudioForm(None, None)):
        sink = Gather(form)
        read(talking, [sink])
        assert all(a.end == b.start for a, b in zip(sink.items, sink.items[1:], strict=False))
        # The encoder's first input sample lies at 1/8 s; this MP4 also plays the 1024 samples put before it.
        assert sink.items[0].start == Fraction(1, 8) - Fraction(1024, 48000)


def test_memory_holds_no_list_of_frames(talking):
    """Consumers are fed while the file is read, not after it."""
    moments = []

    class Sound:
        form = AudioForm(16000)

        def push(self, block):
            moments.append("sound")

        def finish(self):
            moments.append("end")

    class Frames(Sound):
        form = VideoForm((8, 8), "gray")

        def push(self, cell):
            moments.append("frame")

    read(talking, [Sound(), Frames()])
    assert moments[-2:] == ["end", "end"]
    first, last = moments.index("sound"), len(moments) - 1 - moments[::-1].index("sound")
    assert "frame" in moments[first:last]


def test_progress_rises_to_the_whole(talking):
    told = []
    read(talking, [Gather(AudioForm(16000))], progress=lambda done, total: told.append((done, total)))
    dones = [done for done, _ in told]
    assert dones == sorted(dones)
    assert told[-1][0] == told[-1][1] == pytest.approx(5.13, abs=0.05)


# ---------------------------------------------------------------- pictures


def test_frames_carry_their_own_numbers_and_cells(talking, media_tools):
    cells = list(read_frames(talking))
    assert [media_tools.number_of(cell.pixels) for cell in cells] == list(range(125))
    assert all(
        cell.start == Fraction(k, 25) and cell.end == Fraction(k + 1, 25) for k, cell in enumerate(cells)
    )


@pytest.mark.parametrize("rate", ["10", "24000/1001", "25", "30000/1001", "43/2", "60", "100"])
def test_another_rate_shows_the_frame_at_each_cells_middle(tmp_path, media_tools, rate):
    pts, step = [], 7
    for _ in range(60):
        pts.append((pts[-1] if pts else 0) + step)
        step = step % 50 + 11
    path = tmp_path / "v.mkv"
    encode(path, Picture(media_tools.numbered(60), pts=pts, time_base="1/1000", codec="ffv1"))
    ticks, length = frame_cells(path)
    assert isinstance(ticks, Ticks)
    assert ticks.pts.tolist() == pts
    cells = list(read_frames(path, VideoForm(rate=rate)))
    grid = Grid(rate, ticks.edge(0))
    for k, cell in enumerate(cells):
        assert (cell.index, cell.start, cell.end) == (k, grid.edge(k), grid.edge(k + 1))
        assert media_tools.number_of(cell.pixels) == ticks.index(grid.center(k), "floor")
    assert grid.center(len(cells) - 1) < ticks.edge(length) <= grid.center(len(cells))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_upright(tmp_path, degrees):
    frame = np.zeros((40, 60), np.uint8)
    frame[:20, :30] = 200  # the stored top left corner
    path = tmp_path / "v.mp4"
    encode(path, Picture([frame] * 3, codec="libx264", rotation=degrees))
    assert probe(path).video[0].rotation_degrees == degrees
    turned = next(read_frames(path, VideoForm(pixels="gray"))).pixels
    expected = np.rot90(frame, degrees // 90)
    assert turned.shape == expected.shape
    assert np.abs(turned.astype(int) - expected).mean() < 25  # codec and range
    stored = next(read_frames(path, VideoForm(pixels="gray"), ReadOptions(upright=False))).pixels
    assert np.abs(stored.astype(int) - frame).mean() < 25
    # The asked size is that of the upright picture.
    assert next(read_frames(path, VideoForm((30, 44)))).pixels.shape == (44, 30, 3)


def test_upright_agrees_with_the_ffmpeg_program(tmp_path, ffmpeg):
    frame = np.random.default_rng(0).integers(16, 235, (5, 7)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    for degrees in (90, 180, 270):
        path = tmp_path / f"{degrees}.mp4"
        encode(path, Picture([frame] * 2, codec="libx264", rotation=degrees, options={"crf": "1"}))
        ours = next(read_frames(path, VideoForm(pixels="gray"))).pixels
        raw = ffmpeg("ffmpeg", "-i", path, "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
        theirs = np.frombuffer(raw, np.uint8).reshape(ours.shape)
        assert np.abs(ours.astype(int) - theirs).max() < 8


@pytest.mark.parametrize("size", [(35, 27), (1, 1), (2, 3), (333, 17)])
def test_odd_sizes(tmp_path, size):
    width, height = size
    path = tmp_path / "v.mkv"
    encode(path, Picture([np.full((height, width), 128, np.uint8)] * 4, codec="ffv1", pixels="yuv444p"))
    cells = list(read_frames(path))
    assert [c.pixels.shape for c in cells] == [(height, width, 3)] * 4
    assert next(read_frames(path, VideoForm((96, 96), "gray"))).pixels.shape == (96, 96)


def test_a_single_frame_lasts_as_long_as_it_states(tmp_path):
    path = tmp_path / "v.mp4"
    encode(path, Picture([np.zeros((32, 32), np.uint8)], rate="30000/1001", codec="libx264"))
    (cell,) = read_frames(path)
    assert cell.end - cell.start == Fraction(1001, 30000)
    cells, length = frame_cells(path)
    assert (length, cells.edge(1) - cells.edge(0)) == (1, Fraction(1001, 30000))


@pytest.mark.parametrize("rate", ["1/1000", "1000", "100000"])
def test_absurd_frame_rates(tmp_path, rate):
    path = tmp_path / "v.mkv" if rate != "100000" else tmp_path / "v.mov"
    encode(path, Picture([np.zeros((16, 16), np.uint8)] * 5, rate=rate, codec="mjpeg", pixels="yuvj420p"))
    info = probe(path).video[0]
    assert info.rate == Fraction(rate)
    assert [c.end - c.start for c in read_frames(path)] == [1 / Fraction(rate)] * 5


# ---------------------------------------------------------------- cuts


@pytest.mark.parametrize(
    "start, end", [("0", "1"), ("1.0001", "1.5"), ("3.333", "4.4444"), ("4.6", None), (None, "0.3")]
)
def test_a_cut_gives_the_very_samples_and_frames_of_the_uncut_read(
    talking, tmp_path, media_tools, start, end
):
    lossless = tmp_path / "a.mov"
    noise = np.random.default_rng(1).normal(0, 0.1, 6 * 44100).astype(np.float32)
    encode(
        lossless,
        Picture(media_tools.numbered(150), codec="libx264", options={"g": "30"}),
        Sound(noise, 44100, codec="pcm_s16le", start="0.25"),
    )
    for path, tolerance in ((lossless, 3e-6), (talking, 3e-3)):
        for rate in (None, 16000, 22050, 8000):
            whole, part = Gather(AudioForm(rate)), Gather(AudioForm(rate))
            everything = read(path, [whole])
            report = read(path, [part], ReadOptions(start=start, end=end))
            assert start != "4.6" or report.samples < everything.samples * 0.7  # it did seek
            out, origin = whole.items[0].rate, whole.items[0].start
            low = Fraction(start) if start else origin
            first = max(0, -((-(low - origin) * out) // 1))
            stop = (
                min(len(whole.samples), -((-(Fraction(end) - origin) * out) // 1))
                if end
                else len(whole.samples)
            )
            assert part.items[0].start == origin + Fraction(first, out)
            assert len(part.samples) == stop - first
            assert np.abs(part.samples - whole.samples[first:stop]).max() < tolerance
        cells = list(read_frames(path, None, ReadOptions(start=start, end=end)))
        numbers = [media_tools.number_of(c.pixels) for c in cells]
        low, high = Fraction(start or 0), Fraction(end or 100)
        count = probe(path).video[0].frames
        assert numbers == [k for k in range(count) if Fraction(k + 1, 25) > low and Fraction(k, 25) < high]
        assert [c.start for c in cells] == [Fraction(k, 25) for k in numbers]


@pytest.mark.parametrize(
    "ending, codec",
    [
        ("mkv", "libopus"),
        ("mkv", "flac"),
        ("ts", "aac"),
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("flac", "flac"),
        ("mpg", "mp2"),
    ],
)
def test_a_cut_far_into_a_file_finds_the_same_positions(tmp_path, media_tools, ending, codec):
    rate = 48000
    instants = (5.1234, 7.4321)
    path = tmp_path / f"a.{ending}"
    picture = None
    if ending in ("mkv", "ts", "mpg"):
        video = {"mkv": "libx264", "ts": "libx264", "mpg": "mpeg2video"}[ending]
        picture = Picture(media_tools.numbered(225), codec=video)
    encode(path, picture, Sound(media_tools.clicks(rate, instants, 9.0), rate, codec=codec))
    whole = read_audio(path, rate=16000)
    part = read_audio(path, rate=16000, options=ReadOptions(start="7.0001", end="8.0001"))
    at = whole.grid.index(part.grid.center(0), "floor")
    assert whole.grid.center(at) == part.grid.center(0)
    assert len(part) == 16000
    assert np.abs(whole.values[at : at + len(part)] - part.values).max() < 0.01
    if picture:
        cells = list(read_frames(path, None, ReadOptions(start="7.0001", end="8.0001")))
        uncut = list(read_frames(path))
        same = [c for c in uncut if c.end > Fraction("7.0001") and c.start < Fraction("8.0001")]
        assert [(c.start, c.end) for c in cells] == [(c.start, c.end) for c in same]


def test_a_cut_of_a_file_that_is_not_interleaved(tmp_path, media_tools):
    """All sound lies before all picture: a seek to the picture's place passes the sound over."""
    even, odd = tmp_path / "even.ts", tmp_path / "odd.ts"
    sound = Sound(media_tools.clicks(48000, (5.1234, 7.4321), 9.0), 48000, codec="mp2")
    encode(even, Picture(media_tools.numbered(225), codec="mpeg2video", options={"b": "3000000"}), sound)
    with av.open(str(even)) as source:
        packets = [packet for packet in source.demux() if packet.size]
        with av.open(str(odd), "w", container_options={"max_interleave_delta": "1"}) as target:
            made = {s.index: target.add_stream_from_template(s, opaque=True) for s in source.streams}
            for packet in sorted(packets, key=lambda packet: packet.stream.type):
                packet.stream = made[packet.stream.index]
                target.mux(packet)
    part, whole = Gather(AudioForm(16000)), Gather(AudioForm(16000))
    frames, all_frames = Gather(FrameTimes()), Gather(FrameTimes())
    read(odd, [whole, all_frames])
    read(odd, [part, frames], ReadOptions(start="7.0001", end="8.0001"))
    first = int((part.items[0].start - whole.items[0].start) * 16000)
    assert len(part.samples) == 16000
    assert np.abs(whole.samples[first : first + 16000] - part.samples).max() < 1e-5
    kept = [c for c in all_frames.items if c.end > Fraction("7.0001") and c.start < Fraction("8.0001")]
    assert [c.start for c in frames.items] == [c.start for c in kept]


def test_a_seek_that_lands_late_is_noticed():
    from genlock.media.seek_check import Landing, SeekedTooFar

    needed, beginnings = {0: Fraction(10), 1: Fraction(10)}, {0: Fraction(0), 1: Fraction(20)}
    landing = Landing(needed, beginnings)
    with pytest.raises(SeekedTooFar, match="stream 0 has landed behind"):
        landing.arrive(0, Fraction(10) + Fraction(1, 1000))
    assert Landing({1: Fraction(10)}, beginnings).arrive(1, Fraction(20))  # it does not begin before


@pytest.mark.parametrize("rate", [8, 50, 768000])
def test_a_cut_with_a_filter_of_many_seconds(tmp_path, rate):
    path = tmp_path / "a.wav"
    noise = np.random.default_rng(3).normal(0, 0.1, 40 * 8000).astype(np.float32)
    encode(path, sound=Sound(noise, 8000))
    whole, part = Gather(AudioForm(rate)), Gather(AudioForm(rate))
    read(path, [whole])
    read(path, [part], ReadOptions(start="35.03", end="36.1"))
    first = int((part.items[0].start - whole.items[0].start) * rate)
    assert part.items[0].start == Fraction(first, rate)
    assert np.abs(whole.samples[first : first + len(part.samples)] - part.samples).max() < 1e-5


def test_a_cut_at_a_rate_of_one_picture_in_ten_seconds(tmp_path, media_tools):
    path, form = tmp_path / "v.mp4", VideoForm(pixels="gray", rate="1/10")
    encode(path, Picture(media_tools.numbered(120), 4, codec="libx264", options={"g": "8"}))
    whole = {c.index: media_tools.number_of(c.pixels) for c in read_frames(path, form)}
    assert whole == {0: 20, 1: 60, 2: 100}
    part = list(read_frames(path, form, ReadOptions(start=18, end=21)))
    assert {c.index: media_tools.number_of(c.pixels) for c in part} == {1: 60, 2: 100}


def test_a_cut_video_at_another_rate_keeps_its_grid(talking, media_tools):
    form = VideoForm((64, 48), "gray", rate="30000/1001")
    whole = {c.index: c for c in read_frames(talking, form)}
    part = list(read_frames(talking, form, ReadOptions(start="4.5", end="4.8")))
    assert [c.index for c in part] == list(range(134, 144))
    assert all(media_tools.number_of(c.pixels) == media_tools.number_of(whole[c.index].pixels) for c in part)


def test_a_part_without_sound_says_where_the_sound_is(talking):
    with pytest.raises(MediaError, match=r"no sound between 90 s and 91 s"):
        read_audio(talking, options=ReadOptions(start=90, end=91))


# ---------------------------------------------------------------- sound


@pytest.mark.parametrize(
    "codec, kind",
    [("pcm_u8", 1), ("pcm_s16le", 2), ("pcm_s24le", 3), ("pcm_s32le", 4), ("pcm_f32le", 4), ("pcm_f64le", 8)],
)
def test_integer_samples_become_minus_one_to_one(tmp_path, codec, kind):
    path = tmp_path / "a.wav"
    ramp = np.linspace(-1, 0.99, 1000, dtype=np.float32)
    encode(path, sound=Sound(ramp, 8000, codec=codec))
    got = read_audio(path, rate=None).values
    assert got.dtype == np.float32
    assert np.abs(got - ramp).max() <= max(1.01 / 2 ** (8 * min(kind, 3) - 1), 1e-6)


def test_mixing():
    names = ("FL", "FR", "FC", "LFE", "SL", "SR")
    one = np.eye(6, dtype=np.float32)
    assert np.allclose(mix(one, names, 1)[:, 0], np.array([1, 1, 1, 0, 0.5, 0.5]) / 4)
    assert np.allclose(mix(one, names, 2)[:, 0], np.array([1, 0, 1, 0, 0.5, 0]) / 2.5)
    assert np.allclose(mix(one, names, 2)[:, 1], np.array([0, 1, 1, 0, 0, 0.5]) / 2.5)
    assert mix(np.ones((3, 1), np.float32), ("FC",), 2).tolist() == [[1, 1]] * 3


def test_channels_that_cancel_are_heard_by_their_difference():
    """A microphone wired the wrong way round: the mean of both is silence, and the talk is lost."""
    voice = np.random.default_rng(7).standard_normal((4000, 1)).astype(np.float32) / 8
    noted = NoteCounter()
    mixer = Mixer(("FL", "FR"), 1, noted)
    heard = [mixer.mix(np.hstack([part, -part])) for part in (0 * voice, voice, voice, 0 * voice)]
    assert np.allclose(np.concatenate(heard), np.concatenate([0 * voice, voice, voice, 0 * voice]))
    assert [note.kind for note in noted.notes] == ["inverted"]


@pytest.mark.parametrize("right", [1.0, 0.5, 0.0, -0.5])
def test_other_stereo_is_the_mean(right: float):
    voice = np.random.default_rng(8).standard_normal((4000, 1)).astype(np.float32) / 8
    noted = NoteCounter()
    heard = Mixer(("FL", "FR"), 1, noted).mix(np.hstack([voice, right * voice]))
    assert np.allclose(heard, (1 + right) / 2 * voice, atol=1e-6)
    assert not noted.notes


def test_surround_sound(tmp_path):
    path = tmp_path / "a.mkv"
    six = np.zeros((4800, 6), np.float32)
    six[:, 3] = 0.9  # the low-frequency channel alone
    encode(path, sound=Sound(six, 48000, codec="flac"))
    assert probe(path).audio[0].layout == "5.1"
    assert np.abs(read_audio(path).values).max() < 1e-4
    assert read_audio(path, rate=None, channels=None).values.shape == (4800, 6)


@pytest.mark.parametrize("rate", [4, 100, 768000])
def test_absurd_sample_rates(tmp_path, rate):
    path = tmp_path / "a.wav"
    encode(path, sound=Sound(np.ones(max(8, rate // 10), np.float32) * 0.5, rate))
    track = read_audio(path, rate=None)
    assert track.grid.rate == rate
    assert len(read_audio(path, rate=16000)) == -(-len(track) * 16000 // rate)


def feed(stamps, length=1024, rate=48000, tick=Fraction(1, 1000)):
    """A SoundTimeline fed with frames of rising samples at these stamps (seconds); what comes out, and the
    line."""
    from genlock.media.notes import NoteCounter

    line = SoundTimeline("media", (None, None), Fraction(3600), NoteCounter())
    out = []
    line.attach(AudioForm(None), lambda block: out.append(block))

    class Frame:
        layout = type("L", (), {"channels": (type("C", (), {"name": "FC"})(),)})()
        format = type("F", (), {"is_planar": True})()
        sample_rate = rate

        def __init__(self, k):
            self.k = k

        def to_ndarray(self):
            return np.full((1, length), self.k + 1, np.float32)

    line.begin(stamps[0], rate, ("FC",), tick)
    for k, stamp in enumerate(stamps):
        line.feed(Frame(k), stamp)
    line.finish()
    return np.concatenate([b.samples[:, 0] for b in out]), line


def test_stamps_rounded_to_milliseconds_move_nothing_in_minutes():
    stamps = [Fraction(round(Fraction(k * 1024 * 1000, 44100)), 1000) for k in range(6000)]
    samples, line = feed(stamps, rate=44100)
    assert len(samples) == 6000 * 1024
    assert line.gaps == []
    assert line.noted.notes == ()


def test_a_gap_is_filled_and_reported():
    step = Fraction(1024, 48000)
    stamps = [k * step for k in range(10)] + [k * step + Fraction("0.25") for k in range(10, 20)]
    samples, line = feed(stamps)
    assert [(float(g.start), float(g.end)) for g in line.gaps] == [
        pytest.approx((float(10 * step), float(10 * step) + 0.25))
    ]
    assert len(samples) == 20 * 1024 + 12000
    assert np.all(samples[10240 : 10240 + 12000] == 0)
    assert samples[10240 + 12000] == 11


def test_an_overlap_is_trimmed_and_reported():
    step = Fraction(1024, 48000)
    stamps = [k * step for k in range(10)] + [k * step - Fraction("0.01") for k in range(10, 20)]
    samples, line = feed(stamps)
    assert len(samples) == 20 * 1024 - 480
    assert [n.kind for n in line.noted.notes] == ["overlap"]


def test_one_stamp_that_its_neighbours_contradict_moves_nothing():
    step = Fraction(1024, 48000)
    stamps = [k * step for k in range(20)]
    stamps[7] += 900
    stamps[12] -= Fraction(1, 20)
    stamps[15] = None
    samples, line = feed(stamps)
    assert len(samples) == 20 * 1024
    assert [(n.kind, n.count) for n in line.noted.notes] == [("jitter", 2)]


def test_a_clock_that_starts_again_or_leaps_for_days_is_not_followed():
    step = Fraction(1024, 48000)
    for jump in (-500, 10**6):
        stamps = [k * step for k in range(10)] + [k * step + jump for k in range(10, 20)]
        samples, line = feed(stamps)
        assert len(samples) == 20 * 1024
        assert [n.kind for n in line.noted.notes] == ["restart"]


def show(stamps, rate=None):
    """A PictureTimeline fed with frames at these ticks of 1/25 s; the spans that come out, and the line."""
    from genlock.media.notes import NoteCounter
    from genlock.media.picture import PictureTimeline

    class Stream:
        time_base = Fraction(1, 25)
        average_rate = guessed_rate = base_rate = Fraction(25)
        sample_aspect_ratio = None
        codec_context = type("C", (), {"framerate": None, "sample_aspect_ratio": None})

    out = []
    line = PictureTimeline(Stream, "media", (None, None), True, Fraction(3600), NoteCounter())
    line.attach(FrameTimes(), lambda cell: out.append((int(cell.start * 25), int(cell.end * 25))))
    for pts in stamps:
        line.feed(type("F", (), {"pts": pts, "duration": 1, "is_corrupt": False})())
    line.finish()
    return out, [(note.kind, note.count) for note in line.noted.notes]


def test_frames_with_missing_double_backward_or_wild_stamps():
    assert show([0, 1, None, 3]) == ([(0, 1), (1, 2), (2, 3), (3, 4)], [("unstamped", 1)])
    assert show([0, 1, 1, 0, 2]) == ([(0, 1), (1, 2), (2, 3)], [("backward", 2)])
    assert show([0, 1, 9999, 2, 3]) == ([(0, 1), (1, 2), (2, 3), (3, 4)], [("leap", 1)])
    assert show([0, 1, 9999, 10000]) == ([(0, 1), (1, 9999), (9999, 10000), (10000, 10001)], [])
    assert show([0, 1, 10**12, 10**12 + 1]) == ([(0, 1), (1, 2)], [("leap", 2)])
    assert show([0, 1, 9999]) == ([(0, 1), (1, 9999), (9999, 10000)], [])


def test_a_real_file_with_a_hole(tmp_path, media_tools):
    """Packets taken out of a file: the rest keeps its place, and the hole is invalid."""
    whole, holed = tmp_path / "whole.mkv", tmp_path / "holed.mkv"
    encode(whole, sound=Sound(media_tools.clicks(48000, (0.3137, 2.2222), 3.0), 48000, codec="flac"))
    with av.open(str(whole)) as source, av.open(str(holed), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size and not 1000 <= packet.pts < 1500:
                packet.stream = stream
                target.mux(packet)
    track = read_audio(holed, rate=16000)
    times, energy = track.centers, track.values.astype(float) ** 2
    for truth in (0.3137, 2.2222):
        near = np.abs(times - truth) < 0.1
        assert abs((energy[near] * times[near]).sum() / energy[near].sum() - truth) < 0.001
    invalid = times[~track.valid]
    assert 0.35 < invalid.max() - invalid.min() < 0.65
    assert 0.9 < invalid.min() < 1.1


# ---------------------------------------------------------------- what cannot be


def test_what_a_file_has_not(tmp_path, talking):
    silent, blind = tmp_path / "silent.mp4", tmp_path / "blind.wav"
    encode(silent, Picture([np.zeros((16, 16), np.uint8)] * 3, codec="libx264"))
    encode(blind, sound=Sound(np.zeros(100), 8000))
    with pytest.raises(NoStream, match="has no sound"):
        read_audio(silent)
    with pytest.raises(NoStream, match="has no video"):
        next(read_frames(blind))
    with pytest.raises(OptionError, match="has no sound stream 3: it has 1"):
        read_audio(talking, options=ReadOptions(audio_stream=3))
    with pytest.raises(OptionError, match="the end lies after the start"):
        ReadOptions(start=2, end=1)
    with pytest.raises(OptionError, match="no consumer"):
        read(talking, [])


def test_streams_are_chosen_by_number(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("flac", rate=8000, layout="mono") for _ in range(2)]
        for level, stream in zip((0.25, 0.5), streams, strict=True):
            frame = av.AudioFrame.from_ndarray(
                np.full((1, 4000), level, np.float32), format="flt", layout="mono"
            )
            frame.sample_rate, frame.pts = 8000, 0
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    for number, level in ((0, 0.25), (1, 0.5)):
        track = read_audio(path, rate=None, options=ReadOptions(audio_stream=number))
        assert track.values.max() == pytest.approx(level, abs=1e-3)


@pytest.mark.parametrize(
    ("size", "longest", "wanted"),
    [
        ((128, 72), 64, (64, 36)),
        ((72, 128), 64, (36, 64)),
        ((128, 72), 200, (128, 72)),
        ((128, 2), 32, (32, 1)),
    ],
)
def test_a_longest_side_keeps_the_shape(
    tmp_path, size: tuple[int, int], longest: int, wanted: tuple[int, int]
) -> None:
    width, height = size
    frames = [np.full((height, width, 3), 90, np.uint8)] * 3
    encode(tmp_path / "a.mkv", Picture(frames, codec="ffv1"))
    cells = list(read_frames(tmp_path / "a.mkv", VideoForm(longest_side=longest)))
    assert [cell.pixels.shape for cell in cells] == [(wanted[1], wanted[0], 3)] * 3
    assert all(np.abs(cell.pixels.astype(int) - 90).max() <= 3 for cell in cells)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p"])
@pytest.mark.parametrize(("size", "longest"), [((256, 144), 128), ((254, 142), 100), ((256, 144), 37)])
def test_pictures_that_are_shrunk_before_their_colours_are_converted_look_the_same(
    tmp_path, pixels: str, size: tuple[int, int], longest: int
) -> None:
    width, height = size
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    # Colours of every strength that change slowly, with one edge in the middle.
    planes = [255 * across, 255 * down, np.where(across > 0.5, 200, 40)]
    frame = np.stack(planes, axis=-1).astype(np.uint8)
    path = tmp_path / "a.mkv"
    codec = "ffv1" if pixels == "yuv420p" else "mjpeg"
    options = {} if pixels == "yuv420p" else {"q": "2"}
    encode(path, Picture([frame] * 3, codec=codec, pixels=pixels, options=options))
    whole = next(read_frames(path, VideoForm())).pixels
    small = next(read_frames(path, VideoForm(longest_side=longest))).pixels
    wanted = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA).astype(int)
    away = np.abs(small - wanted)
    # Chroma is stored at half the size, so next to the edge colours run by a pixel or two.
    smooth = np.abs(np.arange(small.shape[1]) - small.shape[1] / 2) > 3
    assert away[:, smooth].max() <= 8
    assert abs((small - wanted)[:, smooth].mean()) < 1.5


@pytest.mark.parametrize(
    ("size", "wanted"), [((128, 72), (455, 256)), ((72, 128), (256, 455)), ((640, 512), (320, 256))]
)
def test_a_shortest_side_is_reached_by_pictures_of_any_size(
    tmp_path, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    width, height = size
    encode(tmp_path / "a.mkv", Picture([np.full((height, width, 3), 90, np.uint8)] * 3, codec="ffv1"))
    cells = list(read_frames(tmp_path / "a.mkv", VideoForm(shortest_side=256)))
    assert [cell.pixels.shape for cell in cells] == [(wanted[1], wanted[0], 3)] * 3
    assert all(np.abs(cell.pixels.astype(int) - 90).max() <= 3 for cell in cells)


def test_a_size_and_a_longest_side_exclude_each_other() -> None:
    with pytest.raises(OptionError, match="exclude each other"):
        VideoForm(size=(64, 64), longest_side=64)
    with pytest.raises(OptionError, match="shortest_side=64 excludes"):
        VideoForm(longest_side=64, shortest_side=64)
    with pytest.raises(OptionError, match="shortest side of 0"):
        VideoForm(shortest_side=0)
    with pytest.raises(OptionError, match="longest side of 0"):
        VideoForm(longest_side=0)
