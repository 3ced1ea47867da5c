"""Sound with text: LibriSpeech's layout, a list, a text or word times beside each sound, or GRID's names.

What trains on speech reads a dataset that this recipe made: sound, transcripts, word times where they are known.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.data.corpora.transcripts import Said, Transcripts

__all__ = ["SOUNDS", "SPEECH"]

#: Endings of sounds and of films with sound, in small letters.
SOUNDS = frozenset(
    {
        ".aac",
        ".avi",
        ".flac",
        ".g722",
        ".m4a",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".ogg",
        ".opus",
        ".wav",
        ".webm",
    }
)
#: Folders that say what lies in them and not who speaks.
_NOT_SPEAKERS = re.compile(
    r"(audio|clips|flac|mp3|mp4|mpg|sounds?|speech|videos?|wavs?\d*|(train|dev|valid|test)([-_].*)?)",
    re.IGNORECASE,
)
#: LibriSpeech ``19-198-0001``, LibriTTS ``19_198_000000_000000``: speaker, chapter, utterance.
_LIBRI = re.compile(r"(\d+)-\d+-\d+|(\d+)_\d+_\d+_\d+")


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    sounds = [corpus.relative(path) for path in corpus.files(SOUNDS)]
    texts = Transcripts(corpus, sounds)
    found = []
    for sound in sounds:
        said = texts.of(sound)
        found.append(
            SourceFile(sound, _speaker_of(sound, said), "", said.transcript, said.words, trouble=said.trouble)
        )
    return found


def _speaker_of(sound: str, said: Said) -> str:
    """LibriSpeech's and LibriTTS' numbers, LRS3's talk, else the first folder that may be a speaker's."""
    path = PurePosixPath(sound)
    numbered = _LIBRI.fullmatch(path.stem)
    if numbered and said.transcript is not None:
        return numbered[1] or numbered[2]
    if said.origin == "lrs3":
        return path.parent.name
    return next((part for part in path.parts[:-1] if not _NOT_SPEAKERS.fullmatch(part)), "")


#: ``--recipe speech``.
SPEECH = Corpus("speech", "sound@16000,mel:kaldi,mfcc", _sources)
