"""Seconds of one core for a second of sound: codec, vocoders, writer; and whether an hour stays in its memory.

    python benchmarks/foley_speed.py [SECONDS] [--hour]

Struck tones are made, coded, decoded and vocoded, piece by piece as in use; each is timed alone, the best of three. The
writer writes codes for events with and without its cache of keys and values, which must give the same codes.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from genlock.extractors import make_extractor
from genlock.extractors.sound.griffin_lim import griffin_lim
from genlock.foley.events import Event, Events
from genlock.foley.generation import posterior_of
from genlock.models.foley.codec import CODEC_NAME, load_codec
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.sampling import Sampling
from genlock.models.foley.vocoder import VOCODER_NAME, load_vocoder
from genlock.models.foley.writer import WRITER_NAME, load_writer

RATE = 24000
Array = npt.NDArray[np.float32]


def strikes(seconds: float) -> Array:
    """Damped tones, three a second."""
    random = np.random.default_rng(0)
    sound = np.zeros(round(RATE * seconds), np.float32)
    t = np.arange(RATE) / RATE
    for at in np.sort(random.uniform(0, seconds - 1, round(3 * seconds))):
        tone = 0.3 * np.exp(-random.uniform(8, 60) * t) * np.sin(2 * np.pi * random.uniform(200, 4000) * t)
        first = round(at * RATE)
        sound[first : first + RATE] += tone[: len(sound) - first].astype(np.float32)
    return sound / max(float(np.abs(sound).max()), 1.0)


def best_of(run: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the fastest run."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    return min(found)


def main() -> None:
    """Print the table."""
    seconds = next((float(word) for word in sys.argv[1:] if not word.startswith("-")), 20.0)
    sound = strikes(seconds)
    feature, codec, vocoder = make_extractor("mel:foley"), load_codec(), load_vocoder()
    mel = np.asarray(feature(sound).values, np.float32)
    codes = codec.encode(mel)
    rows = {
        "mel:foley": lambda: feature(sound),
        f"encode ({CODEC_NAME})": lambda: codec.encode(mel),
        f"decode ({CODEC_NAME})": lambda: codec.decode(codes),
        f"vocode ({VOCODER_NAME})": lambda: vocoder.sound(mel),
        "Griffin-Lim, 32 iterations": lambda: griffin_lim(mel),
        "Griffin-Lim, 8 iterations": lambda: griffin_lim(mel, iterations=8),
    }
    print(
        f"{seconds:g} s of sound, one thread; the vocoder looks ahead {1000 * float(vocoder.lookahead_seconds):.0f} ms"
    )
    with threadpool_limits(1):
        for name, run in rows.items():
            print(f"{name:34s} RTF {best_of(run) / seconds:.4f}")
        writing(min(seconds, 10.0))
        if "--hour" in sys.argv:
            hour(codes)


def writing(seconds: float) -> None:
    """Write codes with and without the cache, and print whether they are the same, and how long each takes."""
    writer, random = load_writer(), np.random.default_rng(0)
    material = writer.channels[-1]
    blows = [
        Event(round(at, 3), material=material) for at in np.arange(0.5, seconds, 0.4) + random.uniform(0, 0.2)
    ]
    told = posterior_of(Events(blows, 0, round(seconds)), writer.channels[len(EVENT_CHANNELS) :], writer)
    codes = {}
    for cached in (True, False):
        begun = time.process_time()
        stream = writer.stream((0,), Sampling(), cached=cached)
        codes[cached] = np.concatenate([stream.push(told).values, stream.finish().values])
        spent = (time.process_time() - begun) / seconds
        print(f"{f'write ({WRITER_NAME}), ' + ('cache' if cached else 'no cache'):34s} RTF {spent:.4f}")
    same = bool(np.array_equal(codes[True], codes[False]))
    print(f"the same {codes[True].size} codes with and without the cache: {same}")


def hour(codes: npt.NDArray[np.int64]) -> None:
    """Decode and vocode an hour in pieces of a second, and print the peak of the memory on the way."""
    decoding, vocoding = load_codec().decoding(), load_vocoder().vocoding()
    samples = 0
    for minute in range(60):
        for second in range(60):
            first = (60 * minute + second) * 50 % (len(codes) - 50)
            samples += len(vocoding.push(decoding.push(codes[first : first + 50])))
        if minute in (0, 9, 29, 59):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"after {minute + 1:2d} minutes: {samples / RATE:.1f} s out, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
