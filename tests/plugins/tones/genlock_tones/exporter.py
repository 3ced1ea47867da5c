"""``genlock export --to list``: one line a clip, with its split, what is said in it, and its sound."""

from __future__ import annotations

from functools import partial

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.data.export.base import Job


def export_list(job: Job) -> None:
    """Write ``clips.tsv``: split, clip, transcript, file of the sound in the dataset."""
    kind = next((kind for kind in job.kinds if kind.startswith("sound_")), None)
    if kind is None:
        raise OptionError(
            f"a list needs sound, and there is {', '.join(job.kinds)}; prepare with sound@16000"
        )
    lines = []
    for split, rows in job.splits():
        for row in rows:
            made = job.output(row, kind)
            if made is None:
                job.leave_out(row, f"no {kind}")
            else:
                lines.append("\t".join((split, row["clip"], job.text_of(row) or "", made["path"])))
            job.tick()
    job.notes.append(f"the sounds stay in {job.dataset}: keep it where it is")
    job.put("clips.tsv", partial(write_text, text="\n".join(lines) + "\n"))
