"""``genlock sound``: sound for a silent film."""

from __future__ import annotations

from genlock.cli.arguments import Files, Force, Json, Output
from genlock.cli.running import each, unless_there
from genlock.tasks.files import expand_files
from genlock.tasks.sound_video import SOUND_ENDINGS, SoundOptions, require_one_film, sound_video

__all__ = ["sound"]

_SOUND = SoundOptions()


def sound(
    files: Files,
    /,
    options: SoundOptions = _SOUND,
    force: Force = False,
    output: Output = None,
    json: Json = False,
) -> None:
    """Sound for a silent film, in step with its picture: your own one-shots, a sound of yours, or a model's.

    Args:
        files: Films or folders of them.
        output: A film, whose picture is copied, a .wav, or a folder (default: FILM.sound.mp4 beside each film).
        json: Print one JSON object instead of text.
    """
    if files:
        require_one_film(expand_files(files)[0], options)
    each(
        files,
        output,
        json,
        lambda file, where, bar: unless_there(
            where, SOUND_ENDINGS, force, lambda: sound_video(file, options, where, bar)
        ),
        one_file=SOUND_ENDINGS,
    )
