"""What ``phone_probe.py --unheard`` needs: the voices, where their words surely are, and pretraining's own measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from _probe import PENALTIES, Array, Heard, accuracy, fit

from genlock.data.options import PrepareOptions
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.train.datasets import open_datasets
from genlock.train.speech.contrastive import contrast
from genlock.train.speech.masks import draw_negatives, span_mask
from genlock.train.speech.tensors import normalized
from genlock.train.speech.utterances import NEEDS, RATE, SOUND, Utterances

#: Longer clips would take much memory to align; they are left out.
LONGEST_SECONDS = 30.0
#: A word with a lower confidence of the aligner may not be what is spoken there.
SURE = 0.5
#: Clips are cut into pieces of this length, as in pretraining: in longer ones the negatives would be others.
PIECE_SECONDS, SHORTEST_SECONDS = 8.0, 1.0


def open_voices(folder: str, scratch: str) -> Utterances:
    """The clips of a dataset, or of a folder that ``tools/fetch_voices.py`` wrote, that have a text and are short
    enough; says what is left out. ``scratch`` takes the prepared sounds, all of them in one split."""
    how = PrepareOptions(group="source", split="0/0/1")
    voices = Utterances.open(open_datasets([folder], scratch, NEEDS, options=how).datasets, "test")
    kept = voices.where(lambda k: bool(voices.texts[k]) and voices.seconds[k] <= LONGEST_SECONDS)
    names = sorted(set(kept.speakers))
    print(
        f"unheard: {len(names)} voices, {len(kept)} clips, {kept.total_seconds / 60:.1f} min ({', '.join(names)})"
    )
    print(
        f"left out: {len(voices) - len(kept)} clips without text or over {LONGEST_SECONDS:.0f} s, "
        f"{len(voices.left_out)} that cannot be used"
    )
    return kept


def leave_one_out(known: list[Heard], heard: list[Heard], name: str) -> dict[str, Array]:
    """Whether each frame is right, by voice: probes of one feature, fitted on ``known`` and on all other voices."""
    phones = sorted({p for h in [*known, *heard] for p in h.phones.tolist()})
    number = {phone: k for k, phone in enumerate(phones)}
    labels = {h: np.array([number[p] for p in h.phones]) for h in [*known, *heard]}
    out = {}
    for voice in sorted({h.voice for h in heard}):
        rest = [*known, *(h for h in heard if h.voice != voice)]
        x, y = np.concatenate([h.features[name] for h in rest]), np.concatenate([labels[h] for h in rest])
        mean, spread = x.mean(0), x.std(0) + 1e-5
        # Nothing is chosen on the voices: the middle one of the penalties.
        model = fit((x - mean) / spread, y, len(phones), PENALTIES[1])
        left = [h for h in heard if h.voice == voice]
        right = [accuracy(model, (h.features[name] - mean) / spread, labels[h]) for h in left]
        out[voice] = np.concatenate(right)
    return out


def sure_frames(aligner: SphinxAligner, samples: Array, text: str, centers: Array) -> Array:
    """Whether the centre of each frame, in seconds, lies in a word that the aligner is sure of."""
    inside = np.zeros(len(centers), np.bool_)
    for word in aligner.align(samples, tokenize(text)):
        if word.start is not None and word.end is not None and word.confidence >= SURE:
            inside |= (centers >= float(word.start)) & (centers < float(word.end))
    return inside


@torch.no_grad()
def pretraining_measures(model: Any, sounds: Utterances) -> Array:
    """For each clip: masked frames, and sums over them of right choices, of chance and of the contrastive loss.

    Masks and negatives are drawn as the model's configuration says, the same for every model.
    """
    config = model.config
    start = config.mask_time_prob / config.mask_time_length
    rows = np.zeros((len(sounds), 4))
    for number, row in enumerate(rows):
        content = str(sounds.clips.known[number].output(SOUND)["sha256"])
        random = np.random.default_rng(int(content[:8], 16))
        samples = sounds.samples(number)
        length = int(PIECE_SECONDS * RATE)
        for first in range(0, len(samples), length):
            piece = samples[first : first + length]
            if len(piece) < SHORTEST_SECONDS * RATE and first:
                continue
            heard = torch.from_numpy(normalized(piece))[None]
            frames = int(model._get_feat_extract_output_lengths(len(piece)))
            mask = span_mask(frames, start, config.mask_time_length, random)[None]
            if mask.sum() < 2:
                continue
            found = model(heard, mask_time_indices=torch.from_numpy(mask))
            negatives = torch.from_numpy(draw_negatives(mask, config.num_negatives, random))
            given = (
                found.projected_states,
                found.projected_quantized_states,
                torch.from_numpy(mask),
                negatives,
            )
            sums = contrast(*given, config.contrastive_logits_temperature)
            row += mask.sum(), sums.right, sums.chance, float(sums.loss)
    return rows
