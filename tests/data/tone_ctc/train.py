"""Trains the checkpoint beside this file: a wav2vec2-CTC of 90,000 weights that recognises the language of
tones.

python tests/data/tone_ctc/train.py [steps]        about 5 minutes on one free core
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from genlock.extractors.sound.framing import wav2vec2
from genlock.testing.tones import LETTERS, ToneSpeech, random_words, speak_tones

FOLDER = Path(__file__).parent
TOKENS = ("<pad>", "<unk>", "|", *LETTERS)


def make_model() -> Wav2Vec2ForCTC:
    """A layer-norm model; its positional convolution and two transformer layers see their surroundings."""
    return Wav2Vec2ForCTC(
        Wav2Vec2Config(
            vocab_size=len(TOKENS),
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            conv_dim=(16, 24, 32, 32, 32, 48, 48),
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            conv_bias=True,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            apply_spec_augment=False,
            layerdrop=0.0,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            feat_proj_dropout=0.0,
            final_dropout=0.0,
            activation_dropout=0.0,
            pad_token_id=0,
        )
    )


def targets(said: ToneSpeech) -> np.ndarray:
    """The token of each frame: a letter where it sounds, the delimiter in the middle of a pause between
    words."""
    framing = wav2vec2()
    centers = np.array([float(framing.center(k)) for k in range(framing.count(len(said.samples)))])
    labels = np.zeros(len(centers), np.int64)
    for letter, (first, stop) in zip("".join(said.words), said.letter_spans, strict=True):
        labels[(centers >= first) & (centers < stop)] = TOKENS.index(letter)
    for (_, left), (right, _) in zip(said.word_spans, said.word_spans[1:], strict=False):
        labels[np.argmin(np.abs(centers - (left + right) / 2))] = TOKENS.index("|")
    return labels


def main(steps: int) -> None:
    """Train on endless random words; write the checkpoint beside this file."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    model = make_model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.15)
    for step in range(1, steps + 1):
        said = speak_tones(
            random_words(int(random.integers(4, 16)), random), random, noise=random.uniform(0, 0.02)
        )
        samples = said.samples * random.uniform(0.3, 2)
        samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        logits = model(torch.from_numpy(samples[None].astype(np.float32))).logits[0]
        labels = torch.from_numpy(targets(said))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            right = (logits.argmax(1) == labels).float().mean()
            print(step, f"{loss.item():.3f}", f"{right.item():.3f}", flush=True)
    model.eval().save_pretrained(FOLDER)
    for name, data in {
        "vocab.json": {token: number for number, token in enumerate(TOKENS)},
        "preprocessor_config.json": {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "sampling_rate": 16000,
            "padding_value": 0.0,
            "padding_side": "right",
            "do_normalize": True,
            "return_attention_mask": True,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "Wav2Vec2CTCTokenizer",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "bos_token": None,
            "eos_token": None,
            "word_delimiter_token": "|",
            "do_lower_case": False,
        },
    }.items():
        (FOLDER / name).write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
