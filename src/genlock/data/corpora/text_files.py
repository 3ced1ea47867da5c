"""Text files of corpora: UTF-8, or what a byte-order mark says."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from pathlib import Path

from genlock.core.errors import FormatError
from genlock.data.corpora.listing import CorpusFolder

__all__ = ["listed_ids", "read_text"]

# The longer mark first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: Path, what: str = "text") -> str:
    """The text of a file without its byte-order mark.

    Parameters
    ----------
    what : what the file is, for the message: ``list of transcripts``

    Raises FormatError if it cannot be read, or is neither UTF-8 nor what its mark says: nothing is guessed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"the {what} {str(path)!r} cannot be read ({error.strerror}); repair or remove that file"
        ) from error
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise FormatError(
            f"the {what} {str(path)!r} cannot be read: byte {error.start + len(mark)} is no {encoding.upper()}; save "
            "it as UTF-8"
        ) from error


def listed_ids(corpus: CorpusFolder, name: str) -> frozenset[str] | None:
    """The lines of a list that lies in a corpus' folder, as ``NAME`` or ``NAME.gz``; None if there is none.

    Raises FormatError if it cannot be read, or holds no line: a corpus that is cut down to nothing is a mistake.
    """
    for path in (corpus.path / name, corpus.path / f"{name}.gz"):
        if not os.path.lexists(path):
            continue
        lines = _unpacked(path) if path.suffix == ".gz" else read_text(path, "list of films")
        found = frozenset(line.strip() for line in lines.splitlines() if line.strip())
        if not found:
            raise FormatError(f"the list of films {str(path)!r} is empty; repair or remove that file")
        return found
    return None


def _unpacked(path: Path) -> str:
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FormatError(
            f"the list of films {str(path)!r} cannot be read ({error}); repair or remove that file"
        ) from error
