"""``genlock studio``: open the folder, listen, say where."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from genlock.core.errors import InputError, MissingDependency, OutputError
from genlock.core.process_lock import only_process
from genlock.studio.folder import StudioFolder
from genlock.studio.guard import Guard, allowed_names
from genlock.studio.options import StudioOptions, is_loopback

__all__ = ["address_of", "also_of", "listen", "run_studio"]


def run_studio(
    folder: str | os.PathLike[str], options: StudioOptions | None = None, say: Callable[[str], None] = print
) -> None:
    """Serve the studio until it is interrupted.

    Parameters
    ----------
    folder : where the films are; the studio keeps what it makes in ``.genlock-studio`` there
    say : told the address to open

    Raises
    ------
    MissingDependency
        If the extra ``studio`` is not installed.
    InputError
        If the folder is none, another studio works on it, or the address cannot be listened on.
    """
    options = options or StudioOptions()
    try:
        import uvicorn

        from genlock.studio.app import Studio, make_app
    except ImportError as error:
        raise MissingDependency(
            f"the studio needs {error.name}; install it with: pip install 'genlock[studio]'"
        ) from error
    place = StudioFolder(folder, also_of(options))
    with _alone(place), listen(options) as door:
        token = options.token
        if token is None and not is_loopback(options.host):
            token = secrets.token_urlsafe(24)
        guarded = Guard(
            make_app(Studio(place, options)),
            allowed_names(options),
            token,
            any_address=not is_loopback(options.host),
        )
        config = uvicorn.Config(
            guarded,
            log_level="warning",
            server_header=False,
            access_log=False,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=65536,
        )
        say(f"the studio of {place.root!s} is open at {address_of(options.host, door, token)}")
        if not is_loopback(options.host):
            say("other machines can reach it over an unencrypted line; an SSH tunnel to 127.0.0.1 is safer")
        uvicorn.Server(config).run(sockets=[door])


@contextmanager
def listen(options: StudioOptions) -> Iterator[socket.socket]:
    """The socket to listen on. Raises InputError if the address is taken or is none of this machine's."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((options.host, options.port))
            door.listen(128)
        except OSError as error:
            raise InputError(
                f"cannot listen on {options.host} port {options.port}: {error.strerror}; choose another with --port"
            ) from error
        yield door


def address_of(host: str, door: socket.socket, token: str | None) -> str:
    """What to open in a browser."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    tail = "" if token is None else f"?token={token}"
    return f"http://{shown}:{door.getsockname()[1]}/{tail}"


def also_of(options: StudioOptions) -> list[str]:
    """The folders of datasets and runs that were named beside.

    >>> also_of(StudioOptions(also="sets, runs"))
    ['sets', 'runs']
    """
    return [each.strip() for each in (options.also or "").split(",") if each.strip()]


@contextmanager
def _alone(folder: StudioFolder) -> Iterator[None]:
    """One studio for a folder."""
    with ExitStack() as stack:
        try:
            alone = stack.enter_context(only_process(folder.own / "lock"))
        except OSError as error:
            raise OutputError(f"cannot write {str(folder.own)!r}: {error.strerror}") from error
        if not alone:
            raise InputError(f"another studio works on {str(folder.root)!r}; open its page, or end it first")
        yield
