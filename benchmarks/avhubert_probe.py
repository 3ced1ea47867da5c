"""How much of the phones encoders know after each road of pretraining: linear probes of one set of clips, in pairs.

``genlock train avhubert`` ends with the same probe on 80 clips; here all clips that were not learnt from are read (the
splits valid and test, and the speakers to choose on), so that two encoders can be told apart: each row says what the
last layer finds from the sound, from the lips and from both, with an interval over clips, and how much more that is
than in the row before, clip by clip.

    python benchmarks/avhubert_probe.py DATASET ... --models first=FOLDER second=FOLDER [--leave-out s3 ...] [-o JSON]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from genlock.bench.figures import bootstrapped
from genlock.core.json_forms import write_json
from genlock.models.avhubert.recognizer import load_avsr
from genlock.train.avhubert.clips import open_av
from genlock.train.avhubert.options import AVHubertTraining
from genlock.train.avhubert.pretraining import layers_of, probed
from genlock.train.avhubert.targets import found_phones, frames_of_feature, phones_of

WAYS = {"sound": {"sees": False}, "lips": {"hears": False}, "both": {}}


def shares(totals: np.ndarray) -> float:
    """Right frames over all of them, of counts [clips, 2]."""
    return float(totals[:, 0].sum() / totals[:, 1].sum())


def counted(rows: Sequence[np.ndarray], held: Sequence[np.ndarray], learnt: list, asked: list) -> np.ndarray:
    """Spoken frames that are right and all of them, of each held clip, [clips, 2]."""
    said = found_phones(rows, learnt, held)
    return np.array([[((s == a) & (a > 0)).sum(), (a > 0).sum()] for s, a in zip(said, asked, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--models", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--leave-out", nargs="*", default=[])
    parser.add_argument("--choose-on", nargs="*", default=[])
    parser.add_argument(
        "--learnt", type=int, default=160, help="clips that the probes are fitted on, at most"
    )
    parser.add_argument("--layer", type=int, default=-1)
    parser.add_argument("-o", "--output", type=Path, help="a JSON file for the shares with their intervals")
    given = parser.parse_args()
    torch.set_num_threads(1)
    models = {name: load_avsr(folder) for name, _, folder in (each.partition("=") for each in given.models)}
    side = next(iter(models.values())).parts.encoder.crop
    training = AVHubertTraining(leave_out=tuple(given.leave_out), choose_on=tuple(given.choose_on))
    films = open_av(given.datasets, Path("build/avhubert_probe"), training, crop=side)
    learnt = probed(films.learnt, given.learnt)
    held = [clip for clip in (*films.held, *films.reported) if clip.words]
    phones, asked = [phones_of(c) for c in learnt], [phones_of(c) for c in held]
    print(f"probes of {len(learnt)} clips, read on {len(held)}; layer {given.layer}")
    mfcc = frames_of_feature("mfcc:kaldi39")
    base = counted([mfcc(c) for c in learnt], [mfcc(c) for c in held], phones, asked)
    print(f"{'mfcc':16} sound {bootstrapped(base, shares)}")
    before: dict[str, np.ndarray] = {}
    kept = {"mfcc": {"sound": bootstrapped(base, shares).to_dict()}}
    for name, model in models.items():
        cells = []
        for way, streams in WAYS.items():
            rows, others = (
                [layers_of(model, c, **streams)[given.layer] for c in clips] for clips in (learnt, held)
            )
            found = counted(rows, others, phones, asked)
            more = bootstrapped(
                np.concatenate([found, before.get(way, base)], 1),
                lambda x: shares(x[:, :2]) - shares(x[:, 2:]),
            )
            share = bootstrapped(found, shares)
            kept.setdefault(name, {})[way] = share.to_dict()
            cells.append(f"{way} {share} ({more} more)")
            before[way] = found
        print(f"{name:16} {'; '.join(cells)}", flush=True)
    if given.output:
        write_json(given.output, {"kind": "avhubert_probe", "shares": kept})


if __name__ == "__main__":
    main()
