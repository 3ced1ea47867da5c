"""How well an AV-HuBERT that was trained to align finds planted offsets, and how sure it may be of them.

Each film is read once and its sound put off by offsets drawn from a second to either side; what is beyond the ends is
not there, nothing is rolled round. For a part of them the sound is that of another film, which no offset fits. The row
tells the share within a frame and within 80 ms by the estimator, by always answering zero, and among the half that it
is surest of. ``--calibrate`` fits its confidence on half of the films and writes it into the model's ``config.json``;
the figures are then of the other half.

With ``--coverage`` follow rows of risk against coverage: of the surest 100, 80 ... 10 % of all windows (each film with
each planted offset is one), and of those that it stands by (a probability of at least one half), how many lie more
than a frame beside the truth. A window whose sound is of another film counts as wrong wherever it is answered.

    python benchmarks/avhubert_sync.py FOLDER [--films GLOB ...] [--count 24] [--draws 4] [--calibrate] [--coverage]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from _data import DATA, need

from genlock.aligners.curves import LagCurve, pool
from genlock.core.files import write_text
from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.avhubert import AVHuBERTSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import cut, with_offset, with_sound_of
from genlock.train.lipsync.calibration import fit_confidence


@dataclass(frozen=True)
class Draw:
    """A film with a planted offset, None where the sound is of another film, and what the estimator saw."""

    offset: float | None
    curve: LagCurve


def draws_of(estimator: AVHuBERTSync, films: Sequence[Evidence], draws: int, seed: int) -> list[Draw]:
    """Planted offsets within a second, and as many sounds of others as a third of them."""
    chance = np.random.default_rng(seed)
    found = []
    for number, film in enumerate(films):
        for draw in range(draws):
            offset = Fraction(int(chance.uniform(-1, 1) * 1000), 1000)
            foreign = draw % 4 == 3
            other = films[(number + 1 + draw) % len(films)]
            made = with_offset(with_sound_of(film, other) if foreign else film, offset)
            seen = estimator.windows(cut(made, film.start + Fraction(1, 5), film.end - Fraction(1, 5)))
            curves = [cue.curve for window in seen for cue in window.cues if cue.curve is not None]
            if curves:
                found.append(Draw(None if foreign else float(offset), pool(curves)))
    return found


def row_of(draws: Sequence[Draw], confidence: Confidence) -> dict[str, float]:
    """Shares within a frame and within 80 ms, for all and for the half with the highest probability."""
    judged = [(draw, judge(draw.curve, confidence)) for draw in draws]
    own = [(d.offset, j) for d, j in judged if d.offset is not None and j is not None]
    errors = np.array([abs(j.peak.lag_seconds - offset) for offset, j in own])
    sure = np.array([j.probability for _, j in own])
    foreign = np.array([j.probability for d, j in judged if d.offset is None and j is not None])
    truths = np.array([offset for offset, _ in own])
    half = sure >= np.median(sure)
    return {
        "n": len(own),
        "within_40_ms": float((errors <= 0.04).mean()),
        "within_80_ms": float((errors <= 0.08).mean()),
        "median_error_ms": float(1000 * np.median(errors)),
        "always_zero_within_40_ms": float((np.abs(truths) <= 0.04).mean()),
        "surest_half_within_40_ms": float((errors[half] <= 0.04).mean()),
        "probability": float(sure.mean()),
        "n_foreign": len(foreign),
        "probability_foreign": float(foreign.mean()) if len(foreign) else float("nan"),
    }


def coverage_rows(draws: Sequence[Draw], confidence: Confidence) -> list[dict[str, Any]]:
    """Risk where only the surest windows are answered, and where the estimator answers by itself."""
    judged = [(draw.offset, judge(draw.curve, confidence)) for draw in draws]
    answered = [(offset, j) for offset, j in judged if j is not None]
    sure = np.array([j.probability for _, j in answered])
    wrong = np.array([o is None or abs(j.peak.lag_seconds - o) > 0.04 for o, j in answered])
    far = np.array([o is None or abs(j.peak.lag_seconds - o) > 0.2 for o, j in answered])
    foreign = np.array([o is None for o, _ in answered])
    order = np.argsort(-sure, kind="stable")
    rows = []
    counts = {f"surest {share} %": -(-len(draws) * share // 100) for share in (100, 80, 60, 40, 20, 10)}
    counts["p >= 0.5"] = int((sure >= 0.5).sum())
    for name, count in counts.items():
        kept = order[:count]
        rows.append(
            {
                "kept": name,
                "n": len(kept),
                "of": len(draws),
                "least_probability": float(sure[kept].min()) if len(kept) else float("nan"),
                "beside_by_a_frame": float(wrong[kept].mean()) if len(kept) else float("nan"),
                "beside_by_200_ms": float(far[kept].mean()) if len(kept) else float("nan"),
                "sounds_of_others": int(foreign[kept].sum()),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--films", nargs="*", help="video files; default: GRID speakers of grid_more")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    asked = parser.parse_args()
    named = [Path(file) for file in asked.films or ()]
    if not named:
        speakers = sorted(p for p in (DATA / "grid_more").glob("*/video") if p.is_dir())
        named = [file for folder in speakers for file in need(folder)]
    step = max(1, len(named) // asked.count)
    estimator = AVHuBERTSync(asked.model)
    films = []
    for file in named[::step][: asked.count]:
        films += gather(file, mouths=estimator.mouths)[:1]
    rest, confidence = films, estimator.trust.confidence
    if asked.calibrate:
        learnt, rest = films[::2], films[1::2]
        # A fit takes at least 20 sounds of others, which are every fourth.
        enough = max(2 * asked.draws, -(-120 // max(1, len(learnt))))
        draws = draws_of(estimator, learnt, enough, asked.seed + 1)
        confidence = fit_confidence([d.curve for d in draws], [d.offset for d in draws])
        config = Path(asked.model) / "config.json"
        data = json.loads(config.read_text("utf-8"))
        data["facts"]["sync_calibration"] = confidence.to_dict()
        write_text(config, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    drawn = draws_of(estimator, rest, asked.draws, asked.seed)
    rows = [row_of(drawn, confidence), *(coverage_rows(drawn, confidence) if asked.coverage else [])]
    for row in rows:
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}))


if __name__ == "__main__":
    main()
