"""Films whose offset runs, as files: planted, repaired by ``genlock sync --fix``, and what was written measured again.

Clips of GRID that nothing was trained or calibrated on are joined to one picture. Its sound is laid by a planted Warp:
an offset of seconds, drifts, wrong speeds, one and three splices. Each film is repaired, and the written file is
measured twice: by ``genlock sync`` itself, and on its samples, which every five seconds are looked for in the sound
that was there before the fault. ``in step`` is the share of these places that lie within 20 ms.

    python benchmarks/repair_courses.py [--minutes 10] [--seed 4] [--only splice drift] [--once]

``--once`` leaves the second measurement to the one that ``--fix`` makes itself, and saves a third of the time.

Aim: 95 % of each film in step, and nothing left that the second measurement takes for a drift or a splice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from _data import VIDEOS, need
from repair import FRAMES_PER_SECOND, RATE, held_out, sound_of
from sync_courses import IN_STEP_SECONDS, courses

from genlock.core.errors import GenlockError
from genlock.core.warp import Warp
from genlock.lipsync.correction import drifts, jumps
from genlock.media import Picture, Sound, VideoForm, encode, read_audio, read_frames
from genlock.media.remux import Copy, mux
from genlock.tasks.sync_video import SyncOptions, SyncResult, sync_video

CLIP_SECONDS, EVERY_SECONDS = 3, 5
#: Length of what is looked for, and how far to either side.
PIECE_SECONDS, REACH_SECONDS = 2.0, 1.5
#: A piece that is not as like as this to what was there is silence, or was made by the repair.
LEAST_LIKE = 0.5

Sounds = npt.NDArray[np.float32]


def make_picture(target: Path, clips: list[Path]) -> Sounds:
    """Write the joined picture; its sound, in step with it."""
    sounds = {clip: sound_of(clip) for clip in set(clips)}
    count = CLIP_SECONDS * FRAMES_PER_SECOND
    pictures = {
        clip: [cell.pixels for cell in read_frames(clip, VideoForm(pixels="rgb24"))][:count]
        for clip in set(clips)
    }
    for shown in pictures.values():  # some clips lack a frame at their end
        shown += shown[-1:] * (count - len(shown))
    frames = (pixels for clip in clips for pixels in pictures[clip])
    options = {"preset": "ultrafast", "crf": "20"}
    encode(target, Picture(frames, rate=FRAMES_PER_SECOND, codec="libx264", options=options))
    return np.concatenate([sounds[clip] for clip in clips])


def plant(target: Path, picture: Path, sound: Sounds, truth: Warp) -> None:
    """The picture with the sound that belongs to its instant ``truth(s)`` at its instant ``s``."""
    places, _ = truth.map(np.arange(len(sound)) / RATE)
    laid = np.interp(places * RATE, np.arange(len(sound)), sound, left=0.0, right=0.0).astype(np.float32)
    heard = target.with_suffix(".wav")
    encode(heard, sound=Sound(laid, RATE, codec="pcm_s16le"))
    mux(target, [Copy(picture, "video"), Copy(heard, "audio")])


def errors_of(written: Path, sound: Sounds) -> list[float]:
    """How early the sound of a file is every few seconds, against that which belongs to its picture, in seconds."""
    track = read_audio(written, rate=RATE)
    heard = np.asarray(track.values, np.float32).reshape(len(track), -1)[:, 0]
    offset = float(track.grid.center(0))
    size, reach = round(PIECE_SECONDS * RATE), round(REACH_SECONDS * RATE)
    errors = []
    for at in np.arange(REACH_SECONDS, len(sound) / RATE - PIECE_SECONDS - REACH_SECONDS, EVERY_SECONDS):
        first = round((at - offset) * RATE)
        piece = heard[max(0, first) : first + size]
        if first < 0 or len(piece) < size:
            continue
        place = round(at * RATE)
        around = sound[place - reach : place + size + reach]
        count = 1 << (len(around) + size).bit_length()
        likeness = np.fft.irfft(np.fft.rfft(around, count) * np.conj(np.fft.rfft(piece, count)), count)
        best = int(np.argmax(likeness[: 2 * reach + 1]))
        found = around[best : best + size]
        scale = float(np.linalg.norm(found) * np.linalg.norm(piece))
        if scale > 0 and likeness[best] / scale >= LEAST_LIKE:
            # What was asked for at an instant lies so much later in the sound that was there.
            errors.append((best - reach) / RATE)
    return errors


def row(name: str, film: Path, sound: Sounds, folder: Path, once: bool = False) -> tuple[str, bool]:
    """One line of the table, and whether the aim is met."""
    fixed = folder / "fixed.mkv"
    fixed.unlink(missing_ok=True)
    before = np.array(errors_of(film, sound))
    was = float((np.abs(before) <= IN_STEP_SECONDS).mean()) if len(before) else 0.0
    cpu = time.process_time()
    try:
        result = sync_video(film, SyncOptions(fix=str(fixed)))
        again = sync_video(fixed) if fixed.exists() and not once else None
    except GenlockError as error:
        return f"{name:18} {error}", False
    cpu = time.process_time() - cpu
    repair = result.repair
    assert repair is not None
    if not fixed.exists():
        left = was if repair.status == "not needed" else 0.0
        return f"{name:18} in step {was:.3f} -> {repair.status}: {repair.reason[:90]}", left >= 0.95
    errors = np.array(errors_of(fixed, sound))
    share = float((np.abs(errors) <= IN_STEP_SECONDS).mean())
    found, after = result.measurement, repair.after
    said = f"{found.drift_ppm or 0.0:+.0f} ppm, {len(found.segments)} segment(s)"
    left = (
        told(again) if again else "-" if after is None else f"{1000 * (after.offset_seconds or 0.0):+.0f} ms"
    )
    clean = again is None or not (jumps(again.measurement) or drifts(again.measurement))
    return (
        f"{name:18} {said}; in step {was:.3f} -> {share:.3f}, median {1000 * np.median(np.abs(errors)):4.1f} ms, of "
        f"{len(errors)} places  again: {left}  [{cpu:.0f} CPU s]"
    ), share >= 0.95 and clean


def told(result: SyncResult) -> str:
    """What the second measurement says, shortly."""
    found = result.measurement
    offset = "unknown" if result.offset_seconds is None else f"{1000 * result.offset_seconds:+.0f} ms"
    ppm = "no drift known" if found.drift_ppm is None else f"{found.drift_ppm:+.0f} ppm"
    return f"{offset}, p {result.probability or 0.0:.2f}, {ppm}, {len(found.segments)} segment(s)"


def main() -> int:
    """Print the table; status 1 if an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=[""], help="only rows whose names hold one of these")
    parser.add_argument("--once", action="store_true", help="no second measurement but the repair's own")
    chosen = parser.parse_args()
    files = held_out(need(VIDEOS))
    draw = np.random.default_rng(chosen.seed)
    count = round(60 * chosen.minutes / CLIP_SECONDS)
    clips: list[Path] = []
    while len(clips) < count:
        clips += [files[k] for k in draw.permutation(len(files))]
    seconds = float(count * CLIP_SECONDS)
    planted = [*courses(seconds, draw), ("nothing", Warp.shift(0), [])]
    good = True
    with tempfile.TemporaryDirectory(prefix="genlock-courses-") as name:
        folder = Path(name)
        picture, film = folder / "picture.mkv", folder / "film.mkv"
        sound = make_picture(picture, clips[:count])
        print(f"films of {seconds / 60:g} minutes from {len(files)} clips, seed {chosen.seed}", flush=True)
        for called, truth, _ in planted:
            if any(part in called for part in chosen.only):
                plant(film, picture, sound, truth)
                line, met = row(called, film, sound, folder, chosen.once)
                good &= met
                print(f"{line}{'' if met else '   MISSED'}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
