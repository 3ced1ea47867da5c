"""The facts at the top of the page and its table of streams, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.time import exact
from genlock.core.timecode import Timecode
from genlock.lipsync.summary import known_by, mark_of, told_offsets
from genlock.lipsync.verdicts import describe_offset, early_or_late, interval_words, places_of
from genlock.report.content import ReportContent

__all__ = ["facts_of", "streams_of", "timecode_of"]

Fact = dict[str, str]


def facts_of(content: ReportContent) -> list[Fact]:
    """Label, value, and a line below each; ``mark`` colours a dot.

    >>> [fact["label"] for fact in facts_of(ReportContent("a.mp4"))]
    ['In step', 'Duration']
    """
    streams = _streams(content.media)
    picture = next((s for s in streams if s.get("kind") == "video" and not s.get("attached_picture")), None)
    sound = next((s for s in streams if s.get("kind") == "audio"), None)
    found = [
        _sync(content),
        _duration(content),
        _picture(picture, content.frame_count) if picture is not None or content.frame_count else None,
        _sound(sound) if sound is not None else None,
        _starts(content.media.get("sound_minus_picture_start_seconds")),
        _words(content.words) if content.words else None,
    ]
    return [fact for fact in found if fact is not None]


def _streams(media: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [s for s in media.get("streams") or [] if isinstance(s, Mapping)]


def _duration(content: ReportContent) -> Fact:
    start, end = content.span_seconds
    return {
        "label": "Duration",
        "value": _length(end - start),
        "sub": f"media clock {_clock(start)} to {_clock(end)}",
    }


def _picture(stream: Mapping[str, Any] | None, count: int) -> Fact:
    stream = stream or {}
    rate = stream.get("rate")
    value, parts = ("variable rate", []) if stream.get("variable_rate") else ("picture", [])
    if rate:
        frames = exact(str(rate))
        value = f"{_decimal(frames)} frames/s"
        parts = [] if frames.denominator == 1 else [f"exactly {frames}"]
    count = count or stream.get("frames") or 0
    parts += [f"{count:,} frames".replace(",", "\u202f")] if count else []
    if stream.get("width") and stream.get("height"):
        parts.append(f"{stream['width']}×{stream['height']}")
    parts += [str(stream["codec"])] if stream.get("codec") else []
    return {"label": "Picture", "value": value, "sub": " · ".join(parts)}


def _sound(stream: Mapping[str, Any]) -> Fact:
    parts = [str(stream[key]) for key in ("codec", "language") if stream.get(key)]
    if stream.get("encoder_delay_samples"):
        parts.append(f"{stream['encoder_delay_samples']} samples of delay taken out")
    rate = exact(str(stream["rate"])) if stream.get("rate") else None
    value = "sound" if rate is None else f"{_decimal(rate / 1000)} kHz"
    if stream.get("layout") or stream.get("channels"):
        value += f" {stream.get('layout') or str(stream['channels']) + ' channels'}"
    return {"label": "Sound", "value": value, "sub": " · ".join(parts)}


def _starts(apart: Any) -> Fact | None:
    if apart is None:
        return None
    seconds = float(apart)
    who = (
        "together"
        if abs(seconds) < 5e-5
        else f"{'sound' if seconds > 0 else 'picture'} {_ms(abs(seconds))} later"
    )
    return {"label": "Streams start", "value": who, "sub": "a fact of the file, not a sync error"}


def _words(words: Sequence[Mapping[str, Any]]) -> Fact:
    placed = [word for word in words if word["status"] == "aligned"]
    missing = len(words) - len(placed)
    known = [word["confidence"] for word in placed if word["confidence"] is not None]
    parts = [f"{missing} not placed" if missing else "all have times"]
    if known:
        parts.append(f"mean confidence {sum(known) / len(known):.2f}")
    value = f"{len(placed)} of {len(words)} placed" if missing else f"{len(words)} words"
    return {"label": "Words", "value": value, "sub": " · ".join(parts), "mark": "warn" if missing else "good"}


def _sync(content: ReportContent) -> Fact:
    sync = content.sync
    offset, sentence, reason = sync.get("offset_seconds"), sync.get("sentence"), sync.get("reason")
    if offset is None or not known_by(sync):
        told = str(sentence or "").removeprefix("unknown:").strip() or str(reason or "not measured")
        return {"label": "In step", "value": "unknown", "sub": told, "mark": "none"}
    seconds = float(offset)
    mark = mark_of(sync)
    value = f"sound {early_or_late(seconds, places_of(sync.get('interval_seconds') or (0.0, 1.0)))}"
    # Of what follows the page says the whole sentence once, in the bar below.
    return {"label": "In step", "value": value, "sub": " · ".join(_basis(content)), "mark": mark}


def _basis(content: ReportContent) -> list[str]:
    """How an offset runs where it does not stay, how sure it is, and that nobody's lips said so where nobody's did."""
    sync, found = content.sync, content.measurement
    parts, within = [], sync.get("interval_seconds")
    if found is not None and (told := told_offsets(found)) != describe_offset(float(sync["offset_seconds"])):
        parts.append(told)
    elif within:
        parts.append(f"90 %: {interval_words(within)}")
    if sync.get("probability") is not None:
        parts.append(f"{100 * float(sync['probability']):.0f} % sure to within 40 ms")
    return [*parts, *(["by motion alone"] if sync.get("estimator") == "motion" else [])]


def streams_of(media: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The table of streams: column names, and rows of text."""
    rows = []
    for number, stream in enumerate(_streams(media)):
        start = stream.get("start")
        rows.append(
            [
                str(stream.get("index", number)),
                str(stream.get("kind", "")),
                str(stream.get("codec") or ""),
                _rate_cell(stream),
                "" if start is None else _exact_seconds(exact(str(start))),
                ""
                if stream.get("duration_seconds") is None
                else f"{float(stream['duration_seconds']):.3f} s",
                _form_cell(stream),
            ]
        )
    return {"columns": ["#", "kind", "codec", "rate", "starts at", "lasts", "form"], "rows": rows}


def _rate_cell(stream: Mapping[str, Any]) -> str:
    if stream.get("variable_rate"):
        return "variable"
    if not stream.get("rate"):
        return ""
    return f"{stream['rate']} {'Hz' if stream.get('kind') == 'audio' else '/s'}"


def _form_cell(stream: Mapping[str, Any]) -> str:
    parts = []
    if stream.get("width"):
        parts.append(f"{stream['width']}×{stream['height']}")
    parts += [str(stream[key]) for key in ("pixels", "layout", "timecode", "language") if stream.get(key)]
    if stream.get("rotation"):
        parts.append(f"turned {stream['rotation']}°")
    if stream.get("interlacing") not in (None, "progressive", "unknown"):
        parts.append(str(stream["interlacing"]))
    if stream.get("attached_picture"):
        parts.append("cover, not video")
    return ", ".join(parts)


def timecode_of(media: Mapping[str, Any]) -> dict[str, Any] | None:
    """Number of the first frame since 00:00:00:00, frames a second as counted, drop-frame or not; or None."""
    picture = next((s for s in _streams(media) if s.get("kind") == "video" and s.get("rate")), None)
    text = None if picture is None else picture.get("timecode") or media.get("timecode")
    if picture is None or not text:
        return None
    try:
        code = Timecode.parse(str(text), str(picture["rate"]))
    except OptionError:  # a label that no frame of this rate has: the file is wrong, the page goes without
        return None
    return {"frame": code.frame, "nominal": code.nominal, "drop": code.drop}


def _length(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3f} s"
    whole = Fraction(round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes} min {left} s" if hours else f"{minutes} min {left} s"


def _clock(seconds: float) -> str:
    milliseconds = round(abs(seconds) * 1000)
    sign = "−" if seconds < 0 and milliseconds else ""
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{sign}{head}:{rest // 1000:02d}.{rest % 1000:03d}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}".removesuffix(".0") + " ms" if seconds < 1 else f"{seconds:.3f} s"


def _decimal(value: Fraction) -> str:
    text = f"{float(value):.3f}".rstrip("0").rstrip(".")
    return text if value.denominator == 1 or exact(text) == value else f"{float(value):.2f}"


def _exact_seconds(value: Fraction) -> str:
    return f"{value} s" if value.denominator == 1 else f"{float(value):.6f} s ({value})"
