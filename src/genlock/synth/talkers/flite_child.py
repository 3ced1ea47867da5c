"""Speak one text with libflite; run as a program of its own, which needs the standard library only.

``python flite_child.py LIBFLITE LIBUSENGLISH LIBCMULEX LIBVOICE REGISTER``, with ``{"text", "stretch", "shift"}``
as JSON on standard input. Answers on standard output: a line of JSON (``rate``, ``count``, ``phones`` as
``[end in seconds, name]``, ``words`` as ``[word, number of its phones]``), then ``count`` samples of 16 bits.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


def main(core: str, *others: str) -> None:
    """Read the request, speak, answer."""
    *languages, voice_library, register = others
    asked: dict[str, Any] = json.load(sys.stdin)
    flite = ctypes.CDLL(core, mode=ctypes.RTLD_GLOBAL)
    for language in languages:
        ctypes.CDLL(language, mode=ctypes.RTLD_GLOBAL)
    for name, result, arguments in (
        ("flite_synth_text", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
        ("utt_wave", ctypes.POINTER(_Wave), [ctypes.c_void_p]),
        ("utt_relation", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
        ("relation_head", ctypes.c_void_p, [ctypes.c_void_p]),
        ("item_next", ctypes.c_void_p, [ctypes.c_void_p]),
        ("item_daughter", ctypes.c_void_p, [ctypes.c_void_p]),
        ("item_as", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
        ("flite_ffeature_string", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_char_p]),
        ("flite_ffeature_float", ctypes.c_float, [ctypes.c_void_p, ctypes.c_char_p]),
        ("flite_feat_set_float", None, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]),
    ):
        function = getattr(flite, name)
        function.restype, function.argtypes = result, arguments
    flite.flite_init()
    make = getattr(ctypes.CDLL(voice_library, mode=ctypes.RTLD_GLOBAL), register)
    make.restype, make.argtypes = ctypes.POINTER(_Voice), [ctypes.c_char_p]
    voice = make(None)
    features = voice.contents.features
    flite.flite_feat_set_float(features, b"duration_stretch", float(asked["stretch"]))
    flite.flite_feat_set_float(features, b"f0_shift", float(asked["shift"]))
    utterance = flite.flite_synth_text(asked["text"].encode("utf-8"), voice)
    if not utterance:
        sys.exit("flite cannot speak it")
    words: list[tuple[str, int]] = []
    item = flite.relation_head(flite.utt_relation(utterance, b"Word"))
    while item:
        words.append((_name(flite, item), _count(flite, item)))
        item = flite.item_next(item)
    phones: list[tuple[float, str]] = []
    item = flite.relation_head(flite.utt_relation(utterance, b"Segment"))
    while item:
        phones.append((flite.flite_ffeature_float(item, b"end"), _name(flite, item)))
        item = flite.item_next(item)
    wave = flite.utt_wave(utterance).contents
    count = wave.num_samples * wave.num_channels
    answer = {"rate": wave.sample_rate, "count": count, "phones": phones, "words": words}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + ctypes.string_at(wave.samples, 2 * count))


def _name(flite: Any, item: Any) -> str:
    return str(flite.flite_ffeature_string(item, b"name").decode("latin-1"))


def _count(flite: Any, word: Any) -> int:
    """Phones of a word: those of its syllables."""
    count = 0
    syllable = flite.item_daughter(flite.item_as(word, b"SylStructure"))
    while syllable:
        phone = flite.item_daughter(syllable)
        while phone:
            count += 1
            phone = flite.item_next(phone)
        syllable = flite.item_next(syllable)
    return count


if __name__ == "__main__":
    main(*sys.argv[1:])
