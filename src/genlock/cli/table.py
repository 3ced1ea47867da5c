"""Which commands there are, what each is for, and where it is; nothing of them is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COMMANDS", "OF_PLUGINS", "Command"]


@dataclass(frozen=True)
class Command:
    """A command and where its function is."""

    module: str
    """The module whose function of the command's name it is."""
    title: str
    """The first line of that function's docstring."""


#: In the order in which the help shows them.
COMMANDS: Mapping[str, Command] = {
    "align": Command(
        "genlock.cli.commands.align",
        "The main job: probe, features on the video's frames, words, and a report to look at.",
    ),
    "sync": Command(
        "genlock.cli.commands.sync",
        "Is the sound in step with the picture? By how much not, what the standards say, and a repaired copy.",
    ),
    "probe": Command(
        "genlock.cli.commands.probe",
        "What is in a file, exactly: rates, starts, durations, timecode, how far sound and picture start apart.",
    ),
    "words": Command(
        "genlock.cli.commands.words",
        "Words with their times: recognised, or a transcript of yours put on the clock.",
    ),
    "animate": Command(
        "genlock.cli.commands.animate",
        "A face that moves with a voice: a film of it, or its motion for other programs.",
    ),
    "sound": Command(
        "genlock.cli.commands.sound",
        "Sound for a silent film, in step with its picture: your own one-shots, a sound of yours, or a model's.",
    ),
    "features": Command(
        "genlock.cli.commands.features",
        "Features of sound and of faces with exact times, on their own grid or on the video's frames.",
    ),
    "models": Command(
        "genlock.cli.models",
        "List, fetch, verify or convert model files. Only ``fetch`` ever touches the network.",
    ),
    "demo": Command("genlock.cli.commands.demo", "Make a short talking test card and align it."),
    "prepare": Command(
        "genlock.cli.commands.prepare",
        "From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.",
    ),
    "export": Command(
        "genlock.cli.commands.export",
        "A prepared dataset for other tools: genlock export DATASET --to webdataset -o FOLDER.",
    ),
    "train": Command(
        "genlock.cli.plugin_commands",
        "Train a model: genlock train RECIPE SOUNDS... -o RUN; genlock train RECIPE --help shows how.",
    ),
    "synth": Command(
        "genlock.cli.plugin_commands",
        "Make test clips of which everything is known, each with its truth: genlock synth signals -n 24 -o FOLDER.",
    ),
    "bench": Command(
        "genlock.cli.plugin_commands", "Run a benchmark on a folder: genlock bench sync FOLDER."
    ),
    "studio": Command(
        "genlock.cli.commands.studio",
        "A local web page to look, listen and correct: library, timeline, words and offset of a folder of films.",
    ),
}

#: Where the word after the command names a plugin, whose own options are then read.
OF_PLUGINS = frozenset({"train", "synth", "bench"})
