"""Cards of a codec and a vocoder: what they are, what they learnt from, how to make them again, how well they do."""

from __future__ import annotations

from collections.abc import Mapping

from genlock.models.foley.codec import Codec
from genlock.models.foley.vocoder import Vocoder
from genlock.train.avhubert.card import flags_of
from genlock.train.foley.options import CODEBOOK_LOOP, VOCODER_LOOP, CodebookTraining, VocoderTraining
from genlock.train.foley.sounds import Sounds
from genlock.train.options import LoopOptions

__all__ = ["codec_card", "vocoder_card"]

_LEARNT = """- Data: {data}.
- Split as the index of the dataset says: {learnt} clips ({seconds:.0f} s) to learn from, {held} to choose on,
  {reported} to report on.
- Licence: that of the data, with credit to its makers.
- Made by: `genlock train {name} DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} crops.
- Crops are made louder and softer, faster and slower, and mixed, at random.
"""

_CODEC = """# A codec of sound, {tokens} tokens for 20 ms

What it is: `mel:foley` (80 soft log bands at 24 kHz, a hundred cells a second) to {tokens} tokens of {vocabulary} for
each column of 20 ms, and back, by finite-scalar quantisation ({levels} levels). Encoder and decoder look only back.
{parameters:,} parameters, in numpy alone.

{learnt}
{table}
Limits: what is softer than 77 dB below full scale is silence; a column says nothing of what comes after it.
"""

_VOCODER = """# A vocoder of struck, scraped and rolling things

What it is: `mel:foley` (80 soft log bands at 24 kHz, a hundred cells a second) to sound at 24 kHz, by spectra of 21 ms
that a network says, two for each cell. {parameters:,} parameters, in numpy alone. It looks ahead {ahead:.0f} ms.

{learnt}
{table}
Limits: learnt from the sounds above; it has heard no speech and no music.
"""


def codec_card(codec: Codec, training: CodebookTraining, loop: LoopOptions, sounds: Sounds) -> str:
    """The card of a codec, as Markdown."""
    flags = flags_of(training, CodebookTraining()) + flags_of(loop, CODEBOOK_LOOP)
    return _CODEC.format(
        tokens=codec.tokens,
        vocabulary=codec.vocabulary,
        levels=" x ".join(map(str, codec.shape.levels)),
        parameters=sum(array.size for array in codec.arrays.values()),
        learnt=_learnt("codebook", training, flags, loop, sounds),
        table=_table(codec.facts.get("report", {})),
    )


def vocoder_card(vocoder: Vocoder, training: VocoderTraining, loop: LoopOptions, sounds: Sounds) -> str:
    """The card of a vocoder, as Markdown."""
    flags = flags_of(training, VocoderTraining()) + flags_of(loop, VOCODER_LOOP)
    return _VOCODER.format(
        parameters=sum(array.size for array in vocoder.arrays.values()),
        ahead=1000 * float(vocoder.lookahead_seconds),
        learnt=_learnt("vocoder", training, flags, loop, sounds),
        table=_table(vocoder.facts.get("report", {})),
    )


def _learnt(
    name: str, training: CodebookTraining | VocoderTraining, flags: str, loop: LoopOptions, sounds: Sounds
) -> str:
    return _LEARNT.format(
        name=name,
        data=training.data.rstrip("."),
        learnt=len(sounds.learnt),
        seconds=sum(clip.seconds for clip in sounds.learnt),
        held=len(sounds.held),
        reported=len(sounds.reported),
        flags=flags,
        seed=loop.seed,
        steps=loop.steps,
        batch=training.batch,
    )


def _table(found: Mapping[str, float]) -> str:
    if not found:
        return ""
    lines = [f"| {name.replace('_', ' ')} | {value:.4g} |" for name, value in found.items()]
    return "\n".join(["| on the clips to report on | |", "|---|---|", *lines, ""])
