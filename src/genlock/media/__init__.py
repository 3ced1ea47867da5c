"""Read and write media on its own clock: probe, one-pass readers, writers."""

from genlock.media.consumers import (
    AudioBlock,
    AudioForm,
    Consumer,
    FrameTimes,
    PacketForm,
    VideoCell,
    VideoForm,
)
from genlock.media.encode import Picture, Sound, encode
from genlock.media.notes import Note
from genlock.media.opening import clock_of
from genlock.media.probe import AudioInfo, MediaInfo, OtherInfo, VideoInfo, probe
from genlock.media.read import ReadOptions, ReadReport, frame_cells, read, read_audio, read_frames

__all__ = [
    "AudioBlock",
    "AudioForm",
    "AudioInfo",
    "Consumer",
    "FrameTimes",
    "MediaInfo",
    "Note",
    "OtherInfo",
    "PacketForm",
    "Picture",
    "ReadOptions",
    "ReadReport",
    "Sound",
    "VideoCell",
    "VideoForm",
    "VideoInfo",
    "clock_of",
    "encode",
    "frame_cells",
    "probe",
    "read",
    "read_audio",
    "read_frames",
]
