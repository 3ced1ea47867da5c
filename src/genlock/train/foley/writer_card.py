"""The card of a writer: what it is, what it learnt from, how to make it again, what it can and cannot do."""

from __future__ import annotations

from genlock.models.foley.writer import Writer
from genlock.train.foley.told import ToldClips
from genlock.train.foley.writer_options import WRITER_LOOP, WriterTraining
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions

__all__ = ["writer_card"]

_CARD = """# Codes of sound for a silent picture

What it is: a transformer ({layers} layers of {width}, {parameters:,} parameters, in numpy alone) that writes {tokens}
codes for each 20 ms of sound, one column after the other. Each column is told what is known of its own instant: how
likely something begins to sound, where within the 20 ms, how hard, of what size and material. The codes are those of
{codec}.

- Data: {data}.
- Split as the index of the dataset says: {learnt} clips to learn from, {held} to choose on, {reported} held out.
- Made by: `genlock train writer DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} clips.
{law}- It looks {ahead:.0f} ms ahead (the finder's own latency comes on top) and {back:.2f} s back
  in each layer.

| on the clips to choose on | nats a token |
|---|---|
{table}

Limits: it has learnt the sounds of a drawn world; on real films it makes such sounds. What is not found
in the picture does not sound.
"""

_LAW = """- How loud a blow is follows a law of its impulse and material, fitted to the clips: {slope:.1f} natural
  logarithms of power for ten times the impulse.
"""

_ROWS = {
    "code_loss": "told what sounds in the film",
    "shuffled_loss": "told what sounds in another",
    "untold_loss": "told nothing",
}


def writer_card(writer: Writer, training: WriterTraining, clips: ToldClips, loop: LoopOptions) -> str:
    """The card as Markdown."""
    figures = writer.facts.get("valid", {})
    return _CARD.format(
        layers=writer.shape.layers,
        width=writer.shape.width,
        parameters=sum(array.size for array in writer.arrays.values()),
        tokens=writer.shape.tokens,
        codec=training.codec,
        data=training.data.rstrip("."),
        learnt=len(clips.learnt),
        held=len(clips.held),
        reported=len(clips.reported),
        flags="".join(
            f" {f}" for f in [*changed_flags(training, WriterTraining()), *changed_flags(loop, WRITER_LOOP)]
        ),
        seed=loop.seed,
        steps=loop.steps,
        law=_LAW.format(slope=writer.facts["loudness"]["slope"]) if "loudness" in writer.facts else "",
        batch=training.batch,
        ahead=1000 * float(writer.latency),
        back=writer.shape.reach / 50,
        table="\n".join(
            f"| {title} | {figures[name]:.3f} |" for name, title in _ROWS.items() if name in figures
        ),
    )
