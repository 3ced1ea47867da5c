"""Mistakes that the report once made, one test each."""

from __future__ import annotations

import re
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import av
import numpy as np

from genlock.core import Grid, Track
from genlock.media import Picture, Sound, encode
from genlock.report import Envelope, ReportContent, make_preview


def test_the_envelope_keeps_its_last_sample() -> None:
    """Filling up the last cell could make one too many; what was merged back then was lost."""
    samples = np.linspace(-1, 1, 17, dtype=np.float32)
    envelope = Envelope(8000, max_bins=2)
    envelope.push(samples)
    track = envelope.finish()
    assert track.values.max() == 1
    assert len(track) == 2


def test_a_late_start_is_not_rounded_to_a_millisecond(tmp_path: Path) -> None:
    """MP4 counts an empty edit in the file's time scale, which FFmpeg leaves at 1/1000 s."""
    picture = Picture([np.zeros((32, 32), np.uint8)] * 30, rate="30000/1001", codec="libx264")
    encode(
        tmp_path / "late.mp4",
        picture,
        Sound(np.zeros(24000), 48000, start=Fraction(4099, 48000), codec="aac"),
    )
    preview = make_preview(tmp_path / "late.mp4", tmp_path / "preview.mp4")
    assert preview.copied
    starts = []
    for path in (tmp_path / "late.mp4", preview.path):
        with av.open(str(path)) as container:
            frame = next(container.decode(audio=0))
            starts.append(frame.pts * frame.time_base)
    assert abs(starts[1] + preview.zero - starts[0]) < Fraction(1, 48000)


def test_a_page_opens_on_the_first_frame_although_the_first_sample_begins_before_it() -> None:
    """A waveform's first cell begins half a sample before its first sample: the page opened on no frame at all."""
    edges = np.arange(26) / 25
    waveform = Track(np.zeros((16000, 2), np.float32), Grid.of_samples(16000))
    content = ReportContent("talk.mp4", frame_edges=edges, waveform=waveform)
    assert float(waveform.start) < 0
    assert content.span_seconds[0] == 0.0


def test_every_module_that_the_studio_asks_for_beforehand_is_there() -> None:
    """Modules that moved from the studio to the report were still asked for where they had been."""
    package = Path(str(files("genlock")))
    places = {"static": package / "studio" / "static", "page": package / "report" / "page"}
    index = (places["static"] / "index.html").read_text(encoding="utf-8")
    asked = re.findall(r'href="/(static|page)/([\w.]+)"', index)
    assert len(asked) > 20
    assert [name for part, name in asked if not (places[part] / name).is_file()] == []
