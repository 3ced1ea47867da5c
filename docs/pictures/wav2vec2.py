"""wav2vec 2.0: masks, the Gumbel choice, and our own run (wav2vec2.json, by benchmarks/pretraining_record.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from _style import BLUE, GREEN, GREY, INK, PALE, RED, SKY, save, sheet
from matplotlib import pyplot

from genlock.train.speech.masks import draw_negatives, span_mask

RECORD = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def masks() -> None:
    """Two seconds of frames, the masked ones, and the candidates of one of them."""
    random = np.random.default_rng(3)
    frames, length = 100, 10
    mask = span_mask(frames, 0.065, length, random)
    places = np.flatnonzero(mask)
    own = int(places[len(places) // 2])
    wrong = sorted(set(draw_negatives(mask[None], 12, random)[0, own].tolist()))
    figure, (ax,) = sheet(2.3)
    for k in range(frames):
        ax.add_patch(pyplot.Rectangle((k, 0), 0.86, 1, color=SKY if mask[k] else PALE))
    for k in places:
        ax.plot(k + 0.43, 1.25, "v", color=BLUE, ms=3)
    ax.add_patch(pyplot.Rectangle((own, 0), 0.86, 1, color=BLUE))
    for k in wrong:
        ax.plot([k + 0.43, own + 0.43], [-0.12, -1.0], color=RED, lw=0.7)
        ax.plot(k + 0.43, -0.1, "o", color=RED, ms=3)
    ax.plot([own + 0.43] * 2, [-0.05, -1.0], color=BLUE, lw=1.6)
    ax.text(own + 0.43, -1.15, "which of these is mine?", color=INK, ha="center", va="top")
    ax.text(
        0,
        1.6,
        f"{int(mask.sum())} of {frames} frames are masked; at each of them (triangles) the loss is taken",
        color=INK,
    )
    ax.set(xlim=(-0.5, frames + 0.5), ylim=(-1.9, 2.1), xticks=[0, 25, 50, 75, 100])
    ax.set_xticklabels(["0 s", "0.5 s", "1 s", "1.5 s", "2 s"])
    save(figure, "wav2vec2_masks")


def gumbel() -> None:
    """One frame's numbers, how often each code wins, and the softmax at two temperatures."""
    random = np.random.default_rng(0)
    numbers = np.array([2.4, 1.6, 1.2, 0.2, -0.3, -0.9, -1.5, -2.0])
    noise = random.gumbel(size=(20000, len(numbers)))
    wins = np.bincount((numbers + noise).argmax(1), minlength=len(numbers)) / len(noise)

    def soft(temperature: float) -> np.ndarray:
        e = np.exp((numbers + noise[1]) / temperature)
        return np.asarray(e / e.sum())

    panels = (
        ("the numbers", numbers, GREY),
        ("wins, with noise", wins, BLUE),
        ("one draw, softmax at 2", soft(2.0), GREEN),
        ("the same draw at 0.5", soft(0.5), GREEN),
    )
    figure, axes = pyplot.subplots(1, 4, figsize=(9, 2.2), layout="constrained")
    for ax, (title, values, color) in zip(axes, panels, strict=True):
        ax.bar(range(len(values)), values, color=color, width=0.7)
        ax.set_title(title, loc="left", fontsize=10, color=INK)
        ax.set(xticks=[], yticks=[0])
    axes[0].set_xlabel("8 codes of a group")
    save(figure, "wav2vec2_gumbel")


def curves() -> None:
    """Loss, accuracy and perplexity of the run."""
    rows = RECORD["curve"]
    steps = [row["step"] for row in rows]
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3), layout="constrained")
    axes[0].plot(steps, [row["contrastive"] for row in rows], color=BLUE)
    axes[1].plot(steps, [row["accuracy"] for row in rows], color=BLUE, label="accuracy")
    axes[1].plot(steps, [row["chance"] for row in rows], color=GREY, label="chance")
    held = RECORD["valid"]
    axes[0].plot([r["step"] for r in held], [r["contrastive"] for r in held], "o", color=RED)
    axes[1].plot([r["step"] for r in held], [r["accuracy"] for r in held], "o", color=RED, label="held out")
    axes[1].set_ylim(0)
    axes[1].legend(frameon=False, fontsize=9)
    for name, color in (("perplexity_1", BLUE), ("perplexity_2", GREEN)):
        axes[2].plot(steps, [row[name] for row in rows], color=color, label=f"group {name[-1]}")
    axes[2].axhline(RECORD["codes"], color=GREY, lw=0.8)
    axes[2].set_ylim(0, RECORD["codes"] * 1.05)
    axes[2].legend(frameon=False, fontsize=9, loc="lower right")
    for ax, title in zip(
        axes, ("contrastive loss", "the true vector is the nearest", "codes in use (perplexity)"), strict=True
    ):
        ax.set_title(title, loc="left", fontsize=11, color=INK)
        ax.set_xlabel("updates")
        ax.spines["left"].set_visible(True)
    save(figure, "wav2vec2_curves")


def codes() -> None:
    """Phones of the frames that chose each code of the first group."""
    counts = np.array(RECORD["phone_counts"][0], float)
    used = counts[counts.sum(1) >= 20]
    share = used / used.sum(1, keepdims=True)
    phones = RECORD["phones"]
    order = np.lexsort((-share.max(1), share.argmax(1)))
    kinds = sorted(range(len(phones)), key=lambda k: (_KINDS.find(f" {phones[k]} "), phones[k]))
    share = share[:, kinds]
    order = np.lexsort((-share.max(1), share.argmax(1)))
    figure, ax = pyplot.subplots(figsize=(9, 5.2), layout="constrained")
    ax.imshow(share[order].T, aspect="auto", cmap="Blues", vmin=0, vmax=0.8, interpolation="nearest")
    ax.set_yticks(range(len(phones)), [phones[k] for k in kinds], fontsize=7.5)
    ax.set_xticks([])
    ax.set_xlabel(f"{len(used)} codes with 20 frames and more, each a column")
    save(figure, "wav2vec2_codes")


#: Phones by kind: stops, fricatives, nasals, approximants, vowels.
_KINDS = (
    " P B T D K G CH JH F V TH DH S Z SH ZH HH M N NG L R W Y IY IH EH EY AE AA AO AH AY AW OW OY UH UW ER "
)

masks()
gumbel()
curves()
codes()
