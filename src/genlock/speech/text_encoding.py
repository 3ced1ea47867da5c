"""Bytes of a text file as text: Unicode where it is that, else what its letters are likeliest to be."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

import chardet

from genlock.core.errors import OptionError, TranscriptError

__all__ = ["DecodedText", "decode_text"]

_ALPHABETS = {"LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC", "THAI", "HANGUL"}
_FALLBACK = "windows-1252"
_ASCII_ROW = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


@dataclass(frozen=True)
class DecodedText:
    """A text file's text."""

    text: str
    """What it says; lines end with ``\\n``."""
    encoding: str
    """Name of its encoding."""
    guessed: bool
    """Whether nothing in the file says so: another encoding would give other letters and no error."""


def decode_text(data: bytes, name: str, encoding: str | None = None) -> DecodedText:
    """Decode a text file.

    UTF-8, with or without mark, and UTF-16, by its mark or its zeros, are known for sure. Else the encoding is guessed
    from the letters, by chardet; in a few words of a Western language it may be mistaken.

    Parameters
    ----------
    data : what the file holds
    name : what to call it in messages
    encoding : its encoding, by a name that Python knows; None: find it

    Raises
    ------
    OptionError
        If there is no encoding of that name.
    TranscriptError
        If it is empty, no text at all, or not in that encoding.

    >>> decode_text("Grüße".encode("utf-16"), "a.txt").text
    'Grüße'
    >>> found = decode_text("Президент сказал".encode("cp1251"), "a.srt")
    >>> found.text, found.encoding, found.guessed
    ('Президент сказал', 'windows-1251', True)
    """
    found = _found(data) if encoding is None else _asked(data, name, encoding)
    if "\0" in found.text or _controls(found.text) > 0.02 * len(found.text):
        raise TranscriptError(
            f"{name} is not text (it holds {len(data)} bytes of something else); give a UTF-8 text file"
        )
    if not found.text.strip():
        raise TranscriptError(f"{name} is empty; give the words that are spoken, or leave the transcript out")
    lines = found.text.replace("\r\n", "\n").replace("\r", "\n")
    return DecodedText(lines, found.encoding, found.guessed)


def _asked(data: bytes, name: str, encoding: str) -> DecodedText:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise OptionError(
            f"there is no encoding {encoding!r}; usual ones are utf-8, windows-1251, windows-1250, shift_jis, gb18030"
        ) from None
    try:
        return DecodedText(data.decode(encoding).lstrip("\ufeff"), encoding, False)
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{name} is not in {encoding}: {error.reason} at byte {error.start}") from error


def _found(data: bytes) -> DecodedText:
    coding = _utf16(data)
    if coding is not None:
        return DecodedText(data.decode(coding, errors="replace").lstrip("\ufeff"), coding, False)
    try:
        return DecodedText(data.decode("utf-8-sig"), "utf-8", False)
    except UnicodeDecodeError:
        pass
    coding = _guessed(data)
    return DecodedText(data.decode(coding, errors="replace"), coding, True)


def _guessed(data: bytes) -> str:
    """The encoding that chardet holds to be the likeliest, of those in which no word mixes alphabets.

    Windows-1252 wins over what is not twice as likely: most of what is not Unicode is that.
    """
    rows = b"\n".join(_ASCII_ROW.findall(data))  # numbers and times say nothing of the alphabet
    eras = chardet.EncodingEra.MODERN_WEB | chardet.EncodingEra.LEGACY_ISO
    likely: list[tuple[int, float, str]] = []
    for guess in chardet.detect_all(rows, encoding_era=eras):
        coding, sure = str(guess["encoding"]).lower(), float(guess["confidence"] or 0.0)
        try:
            text = rows.decode(coding)
        except (UnicodeDecodeError, LookupError):
            continue
        likely.append((_oddities(text), 2 * sure if coding == _FALLBACK else sure, coding))
    return min(likely, key=lambda row: (row[0], -row[1]))[2] if likely else _FALLBACK


def _controls(text: str) -> int:
    """How many characters no text has."""
    return sum(
        unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") and c not in "\t\n\r\f\v\x1b" for c in text
    )


def _oddities(text: str) -> int:
    """Words of two alphabets, and characters that no text has."""
    odd = _controls(text)
    for word in re.findall(r"[^\W\d_]+", text):
        alphabets = {unicodedata.name(c, "?").split(" ")[0] for c in word}
        odd += len(alphabets & _ALPHABETS) > 1
    return odd


def _utf16(data: bytes) -> str | None:
    """Which UTF-16 it is, by its mark or its zeros; None: none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(data) >= 4 and data[1::2].count(0) > 0.4 * len(data) / 2:
        return "utf-16-le"
    if len(data) >= 4 and data[::2].count(0) > 0.4 * len(data) / 2:
        return "utf-16-be"
    return None
