"""Speak one text with libespeak-ng; run as a program of its own, which needs the standard library only.

``python espeak_child.py LIBRARY``, with ``{"text", "voice", "speed", "pitch", "range"}`` as JSON on standard input.
Answers on standard output: a line of JSON (``rate``, ``count``, ``phones`` as ``[sample, IPA]``, ``words`` as
``[sample, first character, characters]``), then ``count`` samples of 16 bits. The engine is GPL: nothing of
Genlock is in this process, and nothing of the engine in Genlock's.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: the samples come to the callback at once
_PHONEME_EVENTS, _IPA = 1, 2
_UTF8, _PHONEMES = 1, 0x100
_RATE, _PITCH, _RANGE = 1, 3, 4
_END, _WORD, _PHONEME = 0, 1, 7


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def main(path: str) -> None:
    """Read the request, speak, answer."""
    asked: dict[str, Any] = json.load(sys.stdin)
    library = ctypes.CDLL(path)
    rate = library.espeak_Initialize(_RETRIEVAL, 0, None, _PHONEME_EVENTS | _IPA)
    if rate <= 0:
        sys.exit("espeak-ng finds no data folder (espeak-ng-data)")
    if library.espeak_SetVoiceByName(asked["voice"].encode()) != 0:
        sys.exit(f"espeak-ng has no voice {asked['voice']!r}")
    for parameter, name in ((_RATE, "speed"), (_PITCH, "pitch"), (_RANGE, "range")):
        library.espeak_SetParameter(parameter, int(asked[name]), 0)
    samples = bytearray()
    phones: list[tuple[int, str]] = []
    words: list[tuple[int, int, int]] = []

    def receive(wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            samples.extend(ctypes.string_at(wave, 2 * count))
        number = 0
        while events[number].type != _END:
            event = events[number]
            if event.type == _PHONEME:
                phones.append(
                    (event.sample, bytes(event.id.string).split(b"\0")[0].decode("utf-8", "replace"))
                )
            elif event.type == _WORD:
                words.append((event.sample, event.text_position - 1, event.length))
            number += 1
        return 0

    callback = _Callback(receive)  # held by this name for as long as the library may call it
    library.espeak_SetSynthCallback(callback)
    text = asked["text"].encode("utf-8") + b"\0"
    failed = library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8 | _PHONEMES, None, None)
    library.espeak_Synchronize()
    if failed:
        sys.exit(f"espeak-ng cannot speak it (status {failed})")
    answer = {"rate": rate, "count": len(samples) // 2, "phones": phones, "words": words}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + bytes(samples))


if __name__ == "__main__":
    main(sys.argv[1])
