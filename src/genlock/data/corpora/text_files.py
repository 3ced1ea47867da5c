"""Text files of corpora: UTF-8, or what a byte-order mark says."""

from __future__ import annotations

import codecs
from pathlib import Path

from genlock.core.errors import FormatError

__all__ = ["read_text"]

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
