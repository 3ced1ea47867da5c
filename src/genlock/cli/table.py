"""Which commands there are, what each is for, and where it is; nothing of them is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["COMMANDS", "OF_PLUGINS", "Command"]


@dataclass(frozen=True)
class Command:
    """A command and where its function is."""

    module: str
    """The module whose function of the command's name it is."""
    title: str
    """The first line of that function's docstring."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """What people type, and what that is for; three of them."""


#: In the order in which the help shows them.
COMMANDS: Mapping[str, Command] = {
    "align": Command(
        "genlock.cli.commands.align",
        "The main job: probe, features on the video's frames, words, and a report to look at.",
        {
            "genlock align talk.mp4": "everything, into talk.genlock/",
            "genlock align talk.mp4 --transcript talk.txt": "with your own text",
            "genlock align films/ -o results": "a folder, and one page of all",
        },
    ),
    "sync": Command(
        "genlock.cli.commands.sync",
        "Is the sound in step with the picture? By how much not, what viewers notice of it, and a repaired copy.",
        {
            "genlock sync talk.mp4": "by how much, and what that means",
            "genlock sync talk.mp4 --fix repaired.mp4": "a copy that is in step",
            "genlock sync films/ --check": "for scripts: exit status 0, 1 or 3",
        },
    ),
    "probe": Command(
        "genlock.cli.commands.probe",
        "What is in a file, exactly: rates, starts, durations, timecode, how far sound and picture start apart.",
        {
            "genlock probe talk.mp4": "rates, starts and durations, exactly",
            "genlock probe films/ --json": "for programs",
            "genlock probe https://HOST/talk.mp4": "an address, which is read from there",
        },
    ),
    "words": Command(
        "genlock.cli.commands.words",
        "Words with their times: recognised, or a transcript of yours put on the clock.",
        {
            "genlock words talk.mp4": "subtitles beside it: talk.srt",
            "genlock words talk.mp4 --transcript old.srt -o new.srt": "true times for old subtitles",
            "genlock words corpus/ --forms TextGrid": "NAME.lab beside each NAME.wav is its text",
        },
    ),
    "animate": Command(
        "genlock.cli.commands.animate",
        "A face that moves with a voice: a film of it, or its motion for other programs.",
        {
            "genlock animate talk.wav -o talk.mp4": "a drawn face that says it",
            "genlock animate talk.wav --identity me.jpg -o talk.mp4": "your own",
            "genlock animate talk.wav -o talk.tsv": "mouth shapes for animators",
        },
    ),
    "sound": Command(
        "genlock.cli.commands.sound",
        "Sound for a silent film, in step with its picture: your own one-shots, a sound of yours, or a model's.",
        {
            "genlock sound silent.mp4 -o out.mp4": "the model's sound",
            "genlock sound silent.mp4 --library my-sounds/ -o out.mp4": "your one-shots",
            "genlock sound silent.mp4 --retime foley.wav -o out.mp4": "yours, moved onto the picture",
        },
    ),
    "features": Command(
        "genlock.cli.commands.features",
        "Features of sound and of faces with exact times, on their own grid or on the video's frames.",
        {
            "genlock features talk.mp4": "mel, MFCC, energy and onset, each on its own grid",
            "genlock features talk.mp4 --feature mel:whisper --on frames": "a row for each frame",
            "genlock features --list": "which features there are",
        },
    ),
    "models": Command(
        "genlock.cli.models",
        "List, fetch, verify or convert model files. Only fetch asks the network for any.",
        {
            "genlock models": "what is here, and where it is from",
            "genlock models fetch": "those of the standard set-up",
            "genlock models fetch large-v3": "a Whisper by its name",
        },
    ),
    "doctor": Command(
        "genlock.cli.commands.doctor",
        "What is installed, which models are here, and what would not work here and why.",
        {
            "genlock doctor": "what works here, and what is missing",
            "genlock doctor --json": "for programs",
            "genlock doctor && genlock align talk.mp4": "only where all is here",
        },
    ),
    "demo": Command(
        "genlock.cli.commands.demo",
        "Make a short talking test card and align it.",
        {
            "genlock demo": "into genlock-demo/",
            "genlock demo -o try": "elsewhere",
            "genlock demo --json": "for programs",
        },
    ),
    "prepare": Command(
        "genlock.cli.commands.prepare",
        "From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.",
        {
            "genlock prepare videos/ -o dataset": "clips, sound and mouths",
            "genlock prepare videos/ --outputs sound@16000,mel,mouth/96": "what you choose",
            "genlock prepare videos/ -o dataset --status": "how far a run is",
        },
    ),
    "export": Command(
        "genlock.cli.commands.export",
        "A prepared dataset for other tools: genlock export DATASET --to webdataset -o FOLDER.",
        {
            "genlock export dataset --to webdataset -o shards": "tar files",
            "genlock export dataset --to huggingface -o hub": "a folder that datasets reads",
            "genlock export dataset --to lhotse -o cuts": "cuts for lhotse",
        },
    ),
    "train": Command(
        "genlock.cli.plugin_commands",
        "Train a model: genlock train RECIPE SOUNDS... -o RUN; genlock train RECIPE --help shows how.",
        {
            "genlock train --list": "which recipes there are",
            "genlock train ctc sounds/ -o run": "one of them",
            "genlock train --show run": "its losses, drawn",
        },
    ),
    "synth": Command(
        "genlock.cli.plugin_commands",
        "Make test clips of which everything is known, each with its truth: genlock synth signals -n 24 -o FOLDER.",
        {
            "genlock synth --list": "which worlds there are",
            "genlock synth signals -n 24 -o clips": "flashes with beeps",
            "genlock synth talkers -n 12 -o talkers": "faces that speak",
        },
    ),
    "bench": Command(
        "genlock.cli.plugin_commands",
        "Run a benchmark on a folder: genlock bench sync FOLDER.",
        {
            "genlock bench --list": "which benchmarks there are",
            "genlock bench sync clips/": "offsets against their truth",
            "genlock bench sync clips/ -o run.json": "and a file that keeps it",
        },
    ),
    "studio": Command(
        "genlock.cli.commands.studio",
        "A local web page to look, listen and correct: library, timeline, words and offset of a folder of films.",
        {
            "genlock studio": "the films of this folder",
            "genlock studio films/": "of another",
            "genlock studio films/ --port 8100": "at another port",
        },
    ),
}

#: Where the word after the command names a plugin, whose own options are then read.
OF_PLUGINS = frozenset({"train", "synth", "bench"})
