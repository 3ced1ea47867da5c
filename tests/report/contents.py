"""Reports made without the pipeline: words from corpora or made up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core import Track
from genlock.extractors import make_extractor
from genlock.media import frame_cells, probe, read_audio
from genlock.report import Envelope, OutputFile, Preview, ReportContent


def content_of(
    media: Path,
    preview: Preview | None,
    words: list[dict[str, Any]],
    *,
    title: str | None = None,
    notes: list[str] | None = None,
) -> ReportContent:
    """What the main job would give for a file, computed simply."""
    info = probe(media).to_dict()
    kinds = [stream["kind"] for stream in info["streams"]]
    waveform = spectrogram = None
    curves: list[Track] = []
    if "audio" in kinds:
        sound = read_audio(media, rate=16000)
        envelope = Envelope(16000, sound.grid.center(0), sound.clock)
        envelope.push(sound.values)
        waveform = envelope.finish()
        extractors = [make_extractor(name) for name in ("mel:kaldi", "energy", "onset")]
        mel, *curves = [extractor(read_audio(media, rate=extractor.sample_rate)) for extractor in extractors]
        spectrogram = mel
    edges = None
    if "video" in kinds:
        cells, count = frame_cells(media)
        edges = cells.edges(count)
    return ReportContent(
        title or media.name,
        media=info,
        words=words,
        frame_edges=edges,
        waveform=waveform,
        spectrogram=spectrogram,
        curves=curves,
        preview=preview,
        notes=notes or [],
        versions={"genlock": "0.1.0", "recognizer": "faster-whisper tiny.en", "aligner": "pocketsphinx"},
        options={"features": ["mel", "energy"], "language": "en", "start": None, "end": Fraction(3, 2)},
        command=f"genlock align {media.name} --transcript words.txt",
        files=[
            OutputFile("summary.json", "All of this page for programs: media, sync, words, tracks", 8123),
            OutputFile("words.srt", "The words as subtitles", 412),
            OutputFile("mel.npz", "Mel energy on the video's frames, 80 bands, with its grid", 61234),
        ],
    )


def word(
    text: str, start: float | None, end: float | None, confidence: float | None = 0.9, reason: str = ""
) -> dict[str, Any]:
    """One word as the JSON form has it."""
    status = "aligned" if start is not None else "unaligned"
    return {
        "text": text,
        "start_seconds": start,
        "end_seconds": end,
        "status": status,
        "confidence": confidence if start is not None else None,
        "reason": reason,
    }


def grid_words(alignment: Path) -> list[dict[str, Any]]:
    """The words of a GRID clip: 25,000 units are a second."""
    words = []
    for line in alignment.read_text().split("\n"):
        parts = line.split()
        if len(parts) == 3 and parts[2] not in ("sil", "sp"):
            words.append(
                word(parts[2], int(parts[0]) / 25000, int(parts[1]) / 25000, 0.97 - 0.11 * (len(words) % 4))
            )
    return words
