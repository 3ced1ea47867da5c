"""Sound with text: LibriSpeech's layout, a text file beside each sound, or GRID's names."""

from __future__ import annotations

from pathlib import Path

from genlock.data.corpora.base import Corpus, Source, files_below
from genlock.data.corpora.grid import sentence_of

__all__ = ["SPEECH"]

_SOUNDS = frozenset({".flac", ".g722", ".m4a", ".mp3", ".mp4", ".mpg", ".ogg", ".opus", ".wav"})


def _sources(folder: Path) -> list[Source]:
    texts = _librispeech(folder)
    found = []
    for sound in files_below(folder, _SOUNDS):
        path = sound.relative_to(folder)
        transcript = texts.get(sound.stem) or _beside(sound) or sentence_of(sound.stem)
        # LibriSpeech: SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac
        speaker = (
            sound.stem.split("-")[0] if sound.stem in texts else path.parts[0] if len(path.parts) > 1 else ""
        )
        found.append(Source(path.as_posix(), speaker=speaker, transcript=transcript))
    return found


def _librispeech(folder: Path) -> dict[str, str]:
    """Utterance to text, out of the ``.trans.txt`` files."""
    texts = {}
    for file in folder.rglob("*.trans.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, text = line.strip().partition(" ")
            if text:
                texts[name] = text
    return texts


def _beside(sound: Path) -> str | None:
    for ending in (".txt", ".lab", ".normalized.txt"):
        file = sound.with_name(sound.stem + ending)
        if file.is_file():
            return " ".join(file.read_text(encoding="utf-8").split())
    return None


#: ``--recipe speech``.
SPEECH = Corpus("speech", "sound@16000,mel:kaldi,mfcc", _sources)
