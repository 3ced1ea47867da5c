"""Open a file or a URL so that its name is only ever a name, and say plainly what is wrong with it.

FFmpeg reads meaning into names: ``a:b`` is a protocol, ``shot%03d.png`` a row of pictures, and a playlist may
name any other file or host. A local path is therefore handed over as ``file:`` plus the absolute path, with
no protocol but ``file`` allowed and without patterns.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import av
from av.container import InputContainer

from genlock.core.errors import MediaError, MissingDependency

__all__ = ["Address", "Source", "clock_of", "is_local", "is_url", "locate", "open_source", "reopen"]

#: What may be given where media is wanted: a path, or a URL.
Source: TypeAlias = str | os.PathLike[str]

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_FINGERPRINT_BYTES = 65536
# Any text file is a film to these demuxers (they draw its characters).
_TEXT_DEMUXERS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
_PAGE_DEMUXERS = frozenset({"hls", "dash", "concat", "sdp"})
# No protocol but ``file``, and a name is no pattern.
_LOCAL_OPTIONS = {"protocol_whitelist": "file", "pattern_type": "none"}
_TIMEOUT_SECONDS = 30.0  # to open a URL, and for each read from it
_FAILURES = (av.FFmpegError, OSError, ValueError, RuntimeError, EOFError, LookupError, MemoryError)


@dataclass(frozen=True)
class Address:
    """Where media lies, checked before FFmpeg sees it."""

    given: str
    """What the caller gave, for messages."""
    url: str
    """What FFmpeg is given."""
    name: str
    """The file's name."""
    clock: str
    """Name of its time axis: ``media:<name>#<8 hex>``."""
    size_bytes: int | None
    """Size of the file; None for a URL."""
    stream: BinaryIO | None = field(default=None, repr=False, compare=False)
    """What is read instead of the URL, once and without seeking: a pipe, or a file that still grows."""
    live: bool = False
    """Whether it may go on for days: the reader then keeps nothing of what it has handed on."""

    @property
    def local(self) -> bool:
        """True for a file on this machine."""
        return self.size_bytes is not None


def clock_of(source: Source) -> str:
    """The name of the time axis that the sound and the picture of a file share.

    ``media:<file name>#<8 hex>``, the digits from the SHA-1 of the size (decimal) and the first 64 KiB; of a
    URL, from the SHA-1 of the URL.

    >>> clock_of("https://example.org/talk.mp4")
    'media:talk.mp4#794fc89c'
    """
    return locate(source).clock


def is_url(name: str) -> bool:
    """Whether a name is an address on the network; a file of that name goes first.

    >>> is_url("https://example.org/talk.mp4"), is_url("talk.mp4")
    (True, False)
    """
    return bool(_URL.match(name)) and not os.path.lexists(name)


def locate(source: Source | Address) -> Address:
    """Check that a file is there and is a file; a URL is taken as it is, and so is an address that is known.

    Raises MediaError for what is missing, empty, a folder or not a regular file.
    """
    if isinstance(source, Address):
        return source
    given = os.fsdecode(source)
    if is_url(given):
        return _remote(given)
    try:
        status = os.stat(given)
    except FileNotFoundError:
        if given == "-":
            raise MediaError(
                "'-' is standard input, which is read by sync --live, words --transcript and align --transcript alone: "
                "a film is read more than once; write it to a file and name that"
            ) from None
        raise MediaError(f"{given!r} does not exist; check the name and the folder") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{given!r} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{given!r} is a folder; give one of the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{given!r} is not a regular file; save it to a file first")
    if status.st_size == 0:
        raise MediaError(f"{given!r} is empty (zero bytes); copy or record it again")
    return _local(given, status.st_size)


def _local(given: str, size: int) -> Address:
    try:
        with open(given, "rb") as file:
            head = file.read(_FINGERPRINT_BYTES)
    except OSError as error:
        raise MediaError(f"{given!r} cannot be read ({error.strerror}); check its permissions") from None
    digest = hashlib.sha1(str(size).encode() + head, usedforsecurity=False).hexdigest()[:8]
    name = Path(given).name
    return Address(given, f"file:{os.path.abspath(given)}", name, f"media:{_printable(name)}#{digest}", size)


def _remote(url: str) -> Address:
    digest = hashlib.sha1(url.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()[:8]
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    name = path.rstrip("/").rsplit("/", 1)[-1] or "url"
    return Address(url, url, name, f"media:{_printable(name)}#{digest}", None)


def _printable(name: str) -> str:
    """A name that is not Unicode still names a clock that JSON can hold."""
    return name.encode("utf-8", errors="replace").decode("utf-8")


def open_source(address: Address) -> InputContainer:
    """Open a container for reading. FFmpeg's log stays silent; its error becomes ours.

    Raises
    ------
    MediaError
        If FFmpeg cannot open it; the message says what it is instead where that can be told.
    MissingDependency
        If it is a web page and ``yt-dlp`` is not installed.
    """
    if address.stream is not None:
        return _open_stream(address)
    if address.local:
        return _open_local(address)
    try:
        return _open(address.url, address, timeout=_TIMEOUT_SECONDS)
    except MediaError as error:
        return _open_page(address, error)


def _open_local(address: Address) -> InputContainer:
    try:
        address.url.encode("utf-8")
        target: Any = address.url
    except UnicodeEncodeError:  # a name in no Unicode at all: hand over the open file instead
        target = open(address.given, "rb")  # noqa: SIM115 - the container closes it
    container = _open(target, address, options=_LOCAL_OPTIONS)
    if container.format.name in _TEXT_DEMUXERS:
        container.close()
        raise MediaError(f"{address.given!r} is a text file, not sound or video; give a media file")
    return container


def _open_stream(address: Address) -> InputContainer:
    try:
        # A name that it has not is no file either: nobody is to look for more of it on the disk.
        container: InputContainer = av.open(
            address.stream, "r", metadata_errors="replace", options={"protocol_whitelist": "none"}
        )
    except _FAILURES as error:
        raise MediaError(
            f"{address.given!r}: nothing that can be read as it comes ({reason_of(error)}); send MPEG-TS, Matroska, "
            "FLV or fragmented MP4 (a plain MP4 has its index at the end), or do without --live once it is whole"
        ) from error
    return container


def _open(target: Any, address: Address, **arguments: Any) -> InputContainer:
    try:
        container: InputContainer = av.open(target, "r", metadata_errors="replace", **arguments)
    except _FAILURES as error:
        raise MediaError(
            f"{address.given!r} is not a media file that FFmpeg can open, or its start is damaged "
            f"({reason_of(error)}); check that it plays, or convert it to mp4"
        ) from error
    return container


def is_local(container: InputContainer) -> bool:
    """Whether an open container is a file of this machine."""
    return not is_url(os.fsdecode(container.name))


def reopen(container: InputContainer, options: dict[str, str]) -> InputContainer:
    """Open a file of this machine once more, with other options of its demuxer."""
    name = os.fsdecode(container.name)
    address = Address(name, name, "", "", 0)
    target: Any = name if name.startswith("file:") else open(name, "rb")  # noqa: SIM115 - the container closes it
    return _open(target, address, options={**_LOCAL_OPTIONS, **options})


def reason_of(error: BaseException) -> str:
    """FFmpeg's own words for an error, without the paths and numbers around them."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _open_page(address: Address, failure: MediaError) -> InputContainer:
    """A web page that holds a video: let yt-dlp find the video's own address."""
    try:
        import yt_dlp  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise MissingDependency(
            f"{address.given!r} does not open as media; if it is a web page with a video: pip install yt-dlp"
        ) from failure
    find: Callable[..., Any] = yt_dlp.YoutubeDL(
        {"quiet": True, "no_warnings": True, "noprogress": True, "format": "b/bv*+ba", "logger": _Silent()}
    ).extract_info
    try:
        found = find(address.given, download=False)
    except yt_dlp.utils.YoutubeDLError as error:
        raise MediaError(
            f"{address.given!r}: neither FFmpeg nor yt-dlp finds media there ({error})"
        ) from error
    found = (found.get("entries") or [found])[0]
    if not found.get("url"):
        raise MediaError(
            f"{address.given!r} offers sound and picture only as separate streams; "
            "download it with yt-dlp first"
        )
    headers = "".join(f"{name}: {value}\r\n" for name, value in (found.get("http_headers") or {}).items())
    return _open(found["url"], address, timeout=_TIMEOUT_SECONDS, options={"headers": headers})


class _Silent:
    """yt-dlp prints its errors as well as raising them; once is enough."""

    def debug(self, text: str) -> None: ...
    def info(self, text: str) -> None: ...
    def warning(self, text: str) -> None: ...
    def error(self, text: str) -> None: ...
