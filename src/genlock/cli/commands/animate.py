"""``genlock animate``: a face that moves with a voice."""

from __future__ import annotations

from genlock.cli.arguments import Files, Force, Json, Output
from genlock.cli.running import each, say, unless_there
from genlock.tasks.animate_sound import ANIMATE_ENDINGS, AnimateOptions, animate_sound

__all__ = ["animate"]

_ANIMATE = AnimateOptions()


def animate(
    files: Files,
    /,
    options: AnimateOptions = _ANIMATE,
    force: Force = False,
    output: Output = None,
    json: Json = False,
) -> None:
    """A face that moves with a voice: a film of it, or its motion for other programs.

    Args:
        files: Sounds, videos with sound or folders of them; - is standard input, whose frames come as lines of JSON.
        output: A film (.mp4 .mov .mkv), a file of motion (.json .npz .csv .tsv .dat), or a folder.
        json: Print one JSON object instead of text.
    """
    if list(files) == ["-"] and output is None:
        result = animate_sound("-", options, lines=lambda line: print(line, flush=True))
        say(str(result))
        return
    each(
        files,
        output,
        json,
        lambda file, where, bar: unless_there(
            where, ANIMATE_ENDINGS, force, lambda: animate_sound(file, options, where, bar)
        ),
        one_file=ANIMATE_ENDINGS,
    )
