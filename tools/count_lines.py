"""Lines of code of each room of the package at two revisions, side by side, and how many of them are new functions.

    python tools/count_lines.py BEFORE [AFTER]      (AFTER: HEAD)

Logical lines are counted, so that a formatter that folds them otherwise changes nothing; comments, empty lines and
documentation strings do not count. The lines of the files as they are stand in brackets.

What a new function costs is counted by whole files: those that it lives in, less those that did a part of its work
before. What is left is the rest, which a tidied house has less of.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

ROOT = "src/genlock"

#: Logical and physical lines of each file, by its path within the package.
Lines = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class NewFunction:
    """Something that the package could not do before."""

    name: str
    why: str
    """What it does, and which issue asks for it."""
    files: tuple[str, ...]
    """Where it lives; patterns of paths within the package."""
    instead_of: tuple[str, ...] = ()
    """Files that did a part of its work before: their lines are not new."""


NEW_FUNCTIONS = (
    NewFunction(
        "lossless repair",
        "12.3: every stream, tag and date of the original is in the copy or named",
        (
            "media/patch/*",
            "media/inventory.py",
            "media/recoded.py",
            "media/remux.py",
            "media/retime.py",
            "media/trim.py",
            "media/copy.py",
            "media/containers.py",
        ),
        ("media/write.py",),
    ),
    NewFunction(
        "one feature",
        "12.2: sound, picture, faces and both by one grammar, shown and prepared alike",
        (
            "extractors/base.py",
            "extractors/sound/base.py",
            "extractors/registry.py",
            "extractors/spec.py",
            "extractors/feeds.py",
            "extractors/both/*",
            "extractors/picture/*",
            "extractors/face/rows.py",
            "extractors/sound/waveform.py",
            "extractors/sound/filterbank.py",
            "extractors/frame_cells.py",
            "data/output_spec.py",
            "testing/feature_check.py",
        ),
        (
            "extractors/base.py",
            "extractors/registry.py",
            "extractors/face_features.py",
            "extractors/flow.py",
            "extractors/rgb.py",
            "extractors/frame_cells.py",
            "data/wanted.py",
            "lipsync/mouth_rows.py",
            "testing/extractors.py",
        ),
    ),
    NewFunction(
        "one pass",
        "12.3: a file is read once, for everybody who asks; stages side by side",
        ("pipeline.py", "media/read.py", "media/consumers.py", "tasks/align_video.py", "tasks/sync_video.py"),
        ("pipeline.py", "media/read.py", "media/forms.py", "tasks/align_video.py", "tasks/sync_video.py"),
    ),
    NewFunction(
        "the loop",
        "12.5: several optimisers and losses, accumulation, averages, loading processes, curves",
        (
            "train/loop.py",
            "train/recipe.py",
            "train/run_folder.py",
            "train/optimizers.py",
            "train/loader.py",
            "train/schedule.py",
            "train/run_curves.py",
            "train/diagnosis.py",
            "tasks/show_run.py",
        ),
        ("train/loop.py", "train/run_folder.py"),
    ),
    NewFunction(
        "registries",
        "12.6, 7: every kind of plug-in by entry points; mouths for recognisers and estimators",
        (
            "core/plugins.py",
            "cli/plugin_commands.py",
            "bench/registry.py",
            "synth/worlds.py",
            "train/registry.py",
            "tasks/make_worlds.py",
            "tasks/train_models.py",
            "speech/find.py",
            "speech/recognize.py",
            "speech/mouths.py",
            "tasks/find_words.py",
            "lipsync/estimators/base.py",
        ),
        (
            "core/plugins.py",
            "cli/train.py",
            "cli/measure.py",
            "speech/find.py",
            "speech/recognize.py",
            "tasks/find_words.py",
            "lipsync/estimate.py",
            "tasks/make_signals.py",
            "tasks/train_models.py",
        ),
    ),
    NewFunction(
        "the corridor",
        "12.4: every recipe reads prepared datasets, by the index's split; shards give the same batches",
        (
            "data/reading.py",
            "data/batches.py",
            "data/shards.py",
            "data/streaming.py",
            "train/datasets.py",
            "train/speech/utterances.py",
            "train/speech/spoken.py",
            "train/lipsync/films.py",
        ),
        ("data/reading.py", "data/streaming.py", "train/batches.py", "train/items.py", "train/sounds.py"),
    ),
    NewFunction(
        "no loss in silence",
        "12.10: what is left out, copied or damaged is named and counted; outputs are kept one by one",
        (
            "data/ledger.py",
            "data/plans.py",
            "data/settings.py",
            "data/prepare.py",
            "data/finishing.py",
            "data/one_source.py",
            "data/native_counts.py",
            "data/prepare_report.py",
            "data/quarantine_reasons.py",
            "data/equal_sources.py",
            "data/splits.py",
            "data/index.py",
            "data/labels.py",
            "data/corpora/*",
        ),
        (
            "data/ledger.py",
            "data/prepare.py",
            "data/produce.py",
            "data/splits.py",
            "data/index.py",
            "data/labels.py",
            "data/corpora/*",
        ),
    ),
    NewFunction(
        "clocks as meant",
        "12: stamps and joints of files that FFmpeg reads otherwise than a player does",
        ("media/demux.py",),
    ),
    NewFunction("one line", "12: the repr of every result", ("core/one_line.py",)),
    NewFunction(
        "a face that moves",
        "13: talkers, the model of faces, animation, and their measures",
        (
            "synth/talkers/*",
            "models/talker/*",
            "train/talker/*",
            "animation/*",
            "models/audio2face.py",
            "metrics/landmarks.py",
            "bench/face*",
            "tasks/animate*",
            "drawing/compiled.py",
            "drawing/sheet.py",
            "data/corpora/talkers.py",
            "weights/downloads.py",
        ),
    ),
    NewFunction(
        "speech that is seen",
        "14: AV-HuBERT, its training, alignment and recognition from sound and lips, and their measures",
        (
            "aligners/diagonal.py",
            "bench/avsr*",
            "extractors/both/avhubert.py",
            "extractors/both/on_frames.py",
            "extractors/face/published_mouth.py",
            "lipsync/estimators/avhubert.py",
            "models/avhubert/*",
            "models/inert_pickle.py",
            "models/state.py",
            "speech/audiovisual/*",
            "synth/noises.py",
            "tasks/convert_model.py",
            "train/avhubert/*",
        ),
    ),
)


def main(before: str, after: str = "HEAD") -> None:
    """Print the tables."""
    old, new = counted(before), counted(after)
    print(f"{'room':22} {before[:10]:>16} {after[:10]:>16}   difference")
    for room in sorted({room_of(path) for path in (*old, *new)}):
        row(room, *(total(side, room) for side in (old, new)))
    all_old, all_new = total(old), total(new)
    row("all", all_old, all_new)
    print("\nnew functions           lines  instead of   new   why")
    added, physical = 0, 0
    for function in NEW_FUNCTIONS:
        now, then = matching(new, function.files), matching(old, function.instead_of)
        if now[0]:
            print(f"{function.name:22} {now[0]:6,} {then[0]:11,} {now[0] - then[0]:5,}   {function.why}")
            added, physical = added + now[0] - then[0], physical + now[1] - then[1]
    print(f"{'all new functions':40} {added:6,}\n")
    row("the rest", all_old, (all_new[0] - added, all_new[1] - physical))


def row(name: str, old: tuple[int, int], new: tuple[int, int]) -> None:
    """Print one row."""
    print(f"{name:22} {old[0]:6,} ({old[1]:6,}) {new[0]:6,} ({new[1]:6,})   {new[0] - old[0]:+6,}")


def room_of(path: str) -> str:
    """The folder, or the module at the top, that a file is in."""
    return PurePosixPath(path).parts[0].removesuffix(".py")


def total(lines: Lines, room: str | None = None) -> tuple[int, int]:
    """Lines of a room, or of all."""
    return summed([pair for path, pair in lines.items() if room in (None, room_of(path))])


def matching(lines: Lines, patterns: tuple[str, ...]) -> tuple[int, int]:
    """Lines of the files that one of these patterns means."""
    return summed([pair for path, pair in lines.items() if any(fnmatch(path, p) for p in patterns)])


def summed(pairs: list[tuple[int, int]]) -> tuple[int, int]:
    """Both sums."""
    return sum(logical for logical, _ in pairs), sum(physical for _, physical in pairs)


def counted(revision: str) -> Lines:
    """The lines of every file of a revision."""
    archive = subprocess.run(["git", "archive", revision, ROOT], capture_output=True, check=True).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            path = PurePosixPath(member.name)
            stream = files.extractfile(member)
            if path.suffix == ".py" and stream is not None:
                text = stream.read().decode()
                found[path.relative_to(ROOT).as_posix()] = logical_lines(text), len(text.splitlines())
    return found


def logical_lines(text: str) -> int:
    """Statements' lines, however they are folded; documentation strings left out.

    >>> logical_lines('"About."\\nx = f(1,\\n      2)  # two\\n')
    1
    """
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    ends = sum(token.type == tokenize.NEWLINE for token in tokens)
    strings = sum(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for node in ast.walk(ast.parse(text))
    )
    return ends - strings


if __name__ == "__main__":
    main(*sys.argv[1:])
