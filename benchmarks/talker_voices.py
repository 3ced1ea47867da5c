"""Voices that no talker heard: made talkers, whose lips are known exactly, a face and a voice each.

    python benchmarks/talker_voices.py                              the talkers of Genlock, on the voices that are here
    python benchmarks/talker_voices.py DIR --count 8 --keep FOLDER  a talker of one's own; sounds are not made again
    python benchmarks/talker_voices.py DIR --voices espeak-ng kokoro:af_bella

Each voice gets one face, and says ``--count`` sentences, half of them commands as in GRID. *Speaker's mean* is the mean
of that face; intervals are over clips and voices. A closure is where the lips of /p b m/ are shut; a false one is a
closed run of the lips that is near none, nor near a run in which the true lips are closed.

Beside each talker, on the same clips: *another sound* (it hears the next voice), *own manner* (where it learnt from
made talkers, in their manner), *own reach* (its movement is taken as far as this face goes in its other clips), and
what needs no talker: the mean face (shares, correlation and energy are 0) and a line from loudness, fitted on the
other voices' true lips.

The talkers that come with Genlock learnt from recordings of people alone: they never heard any of these voices.
``--check FOLDER`` names folders of ``genlock synth talkers`` that a talker of one's own learnt from: a voice that is in
them is left out, and a line says so.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _talker import header, print_rows, print_speakers, times

from genlock.core.errors import MissingDependency, MissingModel
from genlock.core.track import Track
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.talker import Talker, load_talker
from genlock.synth.talkers.plans import TalkerOptions
from genlock.synth.talkers.speaking import find_voice
from genlock.synth.talkers.truth import load_talker_truth
from genlock.synth.talkers.world import make_talkers
from genlock.train.talker.clips import TalkingClip, resting_faces
from genlock.train.talker.controls import another_sound, loudness_line
from genlock.train.talker.examples import MADE
from genlock.train.talker.figures import own_reaches, raw_weights, score
from genlock.train.talker.made import is_made, made_clips
from genlock.train.talker.reports import Row

#: No training that docs/talker.md tells of hears them.
VOICES = (
    "flite:kal16",
    "espeak-ng:en-us",
    "espeak-ng:en-us+f1",
    "espeak-ng:en-gb-scotland+m3",
    "espeak-ng:en-gb-x-rp+linda",
    "kokoro:ef_dora",
    "kokoro:em_alex",
    "kokoro:ff_siwis",
    "kokoro:hf_alpha",
    "kokoro:if_sara",
    "kokoro:im_nicola",
    "kokoro:pm_alex",
)
MODELS = ("talker-nano", "talker-people", "talker-live")


def clips_of(voice: str, folder: Path, count: int, seed: int, hears: Sequence[str]) -> list[TalkingClip]:
    """One face that speaks with one voice; made if it is not there."""
    place = folder / f"{voice.replace(':', '-')}-{count}-{seed}"
    options = TalkerOptions(
        count=count,
        # Another face for each voice, the same in every run.
        seed=seed + sum(map(ord, voice)),
        voices=(voice,),
        speakers=1,
        films=False,
        landmarks=False,
        sound_rate=16000,
    )
    if not is_made(place):
        make_talkers(place, options)
    return [replace(clip, speaker=voice) for clip in made_clips(place, hears)[0]]


def here(voices: Sequence[str], heard: set[str]) -> list[str]:
    """Those of the voices that this machine has and nobody heard; of the others a line says why they are left out."""
    found = []
    for voice in voices:
        try:
            engine, _ = find_voice(voice)
            names = [voice] if ":" in voice else [f"{engine.name}:{each}" for each in engine.voices()]
        except (MissingDependency, MissingModel) as error:
            print(f"left out: {voice}: {error}")
            continue
        found += [name for name in names if name not in heard]
        for name in (name for name in names if name in heard):
            print(f"left out: {name} was learnt from")
    return found


def voices_in(folders: Sequence[Path]) -> set[str]:
    """The voices of folders of ``genlock synth talkers``."""
    return {load_talker_truth(file).voice for folder in folders for file in folder.glob("*.talker.json")}


def line_of_others(clips: Sequence[TalkingClip], basis: FaceBasis) -> dict[str, Track]:
    """The line from loudness of each voice's clips, fitted on all other voices."""
    rest = resting_faces(clips)
    found: dict[str, Track] = {}
    for voice in {clip.speaker for clip in clips}:
        others = [clip for clip in clips if clip.speaker != voice] or list(clips)
        found |= loudness_line(others, [clip for clip in clips if clip.speaker == voice], rest, basis)
    return found


def rows_of(talker: Talker, clips: Sequence[TalkingClip]) -> dict[str, list[Row]]:
    """Rows of the table by the name of what made them."""
    rest, basis, made = resting_faces(clips), talker.basis, raw_weights(talker, clips)
    said = {"talker": made}
    if MADE in talker.speakers:
        said["own manner"] = {clip.name: talker.weights(clip.heard, MADE) for clip in clips}
    best = said.get("own manner", made)
    reached = own_reaches(best, clips, basis)
    said |= {
        "own reach": {name: times(track, reached[name]) for name, track in best.items()},
        "another sound": another_sound(best, _by_turns(clips)),
        "loudness line": line_of_others(clips, basis),
    }
    return {name: score(weights, clips, rest, basis) for name, weights in said.items()}


def _by_turns(clips: Sequence[TalkingClip]) -> list[TalkingClip]:
    """In an order in which the next clip is another voice's."""
    by_voice: dict[str, list[TalkingClip]] = {}
    for clip in clips:
        by_voice.setdefault(clip.speaker, []).append(clip)
    longest = max(map(len, by_voice.values()))
    return [own[k] for k in range(longest) for own in by_voice.values() if k < len(own)]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS), help="names, files or folders")
    parser.add_argument("--count", type=int, default=8, help="clips of each voice")
    parser.add_argument("--voices", nargs="+", default=list(VOICES))
    parser.add_argument("--check", nargs="+", type=Path, default=[], help="talkers that a model learnt from")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=None)
    chosen = parser.parse_args()
    talkers = {name: load_talker(name) for name in chosen.models}
    hears = sorted({feature for talker in talkers.values() for feature in talker.features})
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        clips: list[TalkingClip] = []
        for voice in here(chosen.voices, voices_in(chosen.check)):
            clips += clips_of(voice, folder, chosen.count, chosen.seed, hears)
    seconds = sum(float(np.ptp(clip.seconds)) for clip in clips)
    print(f"{len(clips)} clips, {seconds:.0f} s, {len({clip.speaker for clip in clips})} voices\n")
    header()
    for name, talker in talkers.items():
        rows = rows_of(talker, clips)
        for made, each in rows.items():
            print_rows(f"{name}: {made}", [each])
        print_speakers([rows.get("own manner", rows["talker"])])


if __name__ == "__main__":
    main()
