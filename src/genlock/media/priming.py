"""Where the first sample lies: the encoder delay that a stream states, and whether its clock allows for it.

A lossy encoder puts some samples of its own before the sound ("priming": 1024 for AAC, 312 for Opus at 48
kHz, 1105 for LAME with its decoder). FFmpeg's demuxers hand the stated number over as ``skip_samples`` side
data of the first packet, and the decoder drops that many. What differs is the clock:

- MP4, Matroska, Ogg: the first packet's time stamp is already early by the delay, so that the first sample
  that is kept lies where the muxer put it.
- MP3: the first packet is at 0, so the first sample that is kept would come 1105 samples late. The whole
  stream is to be moved back by the delay; so is an MP4 that states it in an ``iTunSMPB`` tag alone.
- Matroska rounds to milliseconds, FFmpeg's own muxer twice: the stamp and the delay by themselves.
- MPEG transport and program streams, FLV, AVI, and bare ADTS, MP2 and AC-3 state no delay. None is guessed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from genlock.core.time import round_fraction

__all__ = ["Priming", "read_priming"]


@dataclass(frozen=True)
class Priming:
    """What the first packet of a sound stream says about its beginning."""

    delay_samples: int | None
    """Samples that the encoder put before the sound, as the stream states it; None: not stated."""
    shift: Fraction
    """Seconds to subtract from every time stamp of the stream."""
    origin: Fraction | None
    """Instant of the first sample that is kept, where the packet says it more exactly than the frame does."""


def read_priming(packet: Any, sample_rate: int, container: Any) -> Priming:
    """Read the first packet (with data) of a sound stream.

    Parameters
    ----------
    packet : the packet, before it is decoded (decoding uses the side data up)
    sample_rate : samples per second of the decoded sound
    container : the container it comes from
    """
    delay = _stated_delay(packet)
    if not delay or packet.pts is None or sample_rate <= 0:
        return Priming(delay, Fraction(0), None)
    length = Fraction(delay, sample_rate)
    first = packet.pts * packet.time_base
    if not _clock_allows_for_delay(packet, container):
        return Priming(delay, length, first)
    if packet.time_base * sample_rate <= 1:
        return Priming(delay, Fraction(0), first + length)
    return Priming(delay, Fraction(0), _origin_in_coarse_ticks(packet, length, container))


def _stated_delay(packet: Any) -> int | None:
    if not packet.has_sidedata("skip_samples"):
        return None
    data = bytes(packet.get_sidedata("skip_samples"))
    return int(struct.unpack_from("<I", data)[0]) if len(data) >= 4 else None


def _clock_allows_for_delay(packet: Any, container: Any) -> bool:
    name = container.format.name
    if name == "mp3":
        return False
    return not ("mp4" in name and packet.pts == 0 and "iTunSMPB" in container.metadata)


def _origin_in_coarse_ticks(packet: Any, length: Fraction, container: Any) -> Fraction | None:
    """The first sample where ticks are coarser than samples, such as Matroska's milliseconds.

    The demuxer subtracts the delay in whole ticks; adding those back gives the stamp that the file holds.
    FFmpeg's muxer made that stamp as round(start - delay) + round(delay); undoing it with the exact delay
    halves the largest error, to half a tick. A stamp of 0 is where the muxer's clock begins, exactly.
    """
    stored = packet.pts + round_fraction(length / packet.time_base, "nearest")
    if stored == 0 or not container.metadata.get("ENCODER", "").startswith("Lavf"):
        return Fraction(stored * packet.time_base)
    return Fraction(packet.pts * packet.time_base + length)
