"""``genlock features``: features of sound and of faces with exact times."""

from __future__ import annotations

from genlock.cli.arguments import Files, Json, List, Output
from genlock.cli.running import each
from genlock.tasks.extract_features import FeatureOptions, extract_features, list_features

__all__ = ["features"]

_FEATURES = FeatureOptions()


def features(
    files: Files,
    /,
    options: FeatureOptions = _FEATURES,
    names: List = False,
    output: Output = None,
    json: Json = False,
) -> None:
    """Features of sound and of faces with exact times, on their own grid or on the video's frames.

    Args:
        files: Videos, sounds or folders of them.
        names: List the features that there are.
        output: Folder for the tracks (default: FILE.genlock beside each file).
        json: Print one JSON object instead of text.
    """
    if names:
        print(list_features())
        return
    each(files, output, json, lambda file, where, bar: extract_features(file, options, where, bar))
