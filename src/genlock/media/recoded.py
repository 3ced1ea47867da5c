"""Parts of a file encoded again: sound cut to the sample, pictures at their own times, in files that go away again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.grid import Grid, Ticks
from genlock.core.time import round_fraction
from genlock.media.consumers import AudioBlock, AudioForm, VideoForm
from genlock.media.encode import Picture, SoundEncoder, encode, open_output
from genlock.media.opening import Source
from genlock.media.probe import VideoInfo, probe
from genlock.media.read import ReadOptions, frame_cells, read, read_frames

__all__ = ["layout_of", "picture_file", "sound_codec", "sound_file"]

# Sound lossless where the container takes that, and a file to hold it.
_SOUND_CODECS = {
    "avi": "pcm_s16le",
    "mov": "pcm_s16le",
    "wav": "pcm_s16le",
    "matroska": "flac",
    "flac": "flac",
    "webm": "libopus",
    "ogg": "libopus",
    "opus": "libopus",
    "mp3": "libmp3lame",
    "mpeg": "mp2",
    "vob": "mp2",
}
_SOUND_FILES = {
    "pcm_s16le": ".wav",
    "flac": ".flac",
    "libopus": ".ogg",
    "libmp3lame": ".mp3",
    "mp2": ".mp2",
    "aac": ".m4a",
}
_PICTURE_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "avi": ("mpeg4", {"qmin": "2", "qmax": "2"}),
    "webm": ("libvpx-vp9", {"crf": "12", "b": "0", "cpu-used": "4"}),
    "mpeg": ("mpeg2video", {"qmin": "2", "qmax": "2"}),
    "vob": ("mpeg2video", {"qmin": "2", "qmax": "2"}),
}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def sound_codec(container: str) -> tuple[str, str]:
    """The codec for sound in a container, by FFmpeg's names, and the ending of a file that holds it alone.

    >>> sound_codec("matroska"), sound_codec("mp4")
    (('flac', '.flac'), ('aac', '.m4a'))
    """
    codec = _SOUND_CODECS.get(container, "aac")
    return codec, _SOUND_FILES[codec]


def layout_of(channels: int) -> str:
    """FFmpeg's name of the usual layout of so many channels.

    >>> layout_of(2), layout_of(3)
    ('stereo', '3c')
    """
    return _LAYOUTS.get(channels, f"{channels}c")


class _SoundFile:
    """A consumer that writes sound to a file as it comes, from a stated instant on."""

    def __init__(self, path: Path, zero: Fraction, codec: str, layout: str | None) -> None:
        self.path, self.zero, self.codec, self.layout = path, zero, codec, layout
        self.form = AudioForm(48000 if codec == "libopus" else None, None)
        self.output: Any = None
        self.encoder: SoundEncoder

    def push(self, block: AudioBlock) -> None:
        """Encode a block; where the sound begins later, silence goes before it."""
        if self.output is None:
            channels = block.samples.shape[1]
            self.output = open_output(self.path)
            self.encoder = SoundEncoder(
                self.output, self.codec, block.rate, self.layout or layout_of(channels)
            )
        at = round_fraction((block.start - self.zero) * block.rate, "nearest")
        self.encoder.write_silence_up_to(at)
        self.encoder.write(block.samples[max(0, self.encoder.position - at) :])

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.output is not None:
            self.encoder.finish()
            self.close()

    def close(self) -> None:
        """Close the file, also after a failure."""
        if self.output is not None:
            self.output.close()
            self.output = None


@contextmanager
def sound_file(
    source: Source,
    beside: Path,
    container: str,
    zero: Fraction,
    end: Fraction | None,
    number: int | None = None,
    layout: str | None = None,
) -> Iterator[Path]:
    """The sound from an instant on, cut to the sample and encoded again for a container.

    Parameters
    ----------
    beside : a file in whose folder the sound's file lies as long as the block runs
    container : FFmpeg's name of the container that shall hold it
    zero, end : seconds on the media clock
    number : which sound; None: the default one
    layout : FFmpeg's name of its channel layout; None: the usual one
    """
    codec, ending = sound_codec(container)
    with tempfile.TemporaryDirectory(prefix=".genlock-", dir=beside.parent) as folder:
        path = Path(folder) / f"sound{ending}"
        writer = _SoundFile(path, zero, codec, layout)
        try:
            read(source, [writer], ReadOptions(start=zero, end=end, audio_stream=number))
        finally:
            writer.close()
        yield path


@contextmanager
def picture_file(
    source: Source, beside: Path, container: str, info: VideoInfo, zero: Fraction, end: Fraction
) -> Iterator[tuple[Path, Fraction]]:
    """The frames of a part, encoded nearly losslessly at their own times; and by how much to move them to begin at 0.

    Parameters
    ----------
    beside : a file in whose folder the picture's file lies as long as the block runs
    container : FFmpeg's name of the container that shall hold it
    info : what :func:`genlock.media.probe` says of the stream
    zero, end : seconds on the media clock
    """
    part = ReadOptions(start=zero, end=end, upright=False, video_stream=info.number)
    cells, _ = frame_cells(source, part)
    codec, options = _PICTURE_CODECS.get(container, ("libx264", {"crf": "10", "preset": "fast"}))
    timing: dict[str, Any] = {"rate": cells.rate} if isinstance(cells, Grid) else _timing_of(cells, zero)
    first = next(read_frames(source, VideoForm(), part)).pixels
    even = all(side % 2 == 0 for side in first.shape[:2])
    picture = Picture(
        (cell.pixels for cell in read_frames(source, VideoForm(), part)),
        codec=codec,
        pixels="yuv420p" if even else "yuv444p",
        options=options,
        rotation=info.rotation_degrees,
        aspect=info.sample_aspect,
        **timing,
    )
    with tempfile.TemporaryDirectory(prefix=".genlock-", dir=beside.parent) as folder:
        # Both keep any time base exactly; NUT knows no rotation, MOV not every codec.
        clip = Path(folder) / ("picture.mov" if info.rotation_degrees else "picture.nut")
        encode(clip, picture)
        began = probe(clip).video[0].start or Fraction(0)  # muxers without negative times move all of it
        yield clip, -began


def _timing_of(ticks: Ticks, zero: Fraction) -> dict[str, Any]:
    """Stamps of a variable rate, counted from the part's zero."""
    moved = ticks.shifted(-zero)
    length = len(moved)
    rate = length / (moved.edge(length) - moved.edge(0))
    return {"rate": rate.limit_denominator(1001), "pts": moved.pts.tolist(), "time_base": moved.time_base}
