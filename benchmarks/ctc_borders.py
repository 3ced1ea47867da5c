"""Word borders by our CTC aligner on a CTC checkpoint, on held-out clips whose word times are known.

The clips' own text is aligned. ``bias`` is what the checkpoint states in genlock.json, measured on other clips
(the part ``valid``); without it the errors are those of the model as it is.

    python benchmarks/ctc_borders.py --model FOLDER --sounds PREPARED [--part test]
"""

from __future__ import annotations

import argparse
from fractions import Fraction

import torch

from genlock.metrics.timing import TOLERANCES
from genlock.models.speech_encoder import load_speech_encoder
from genlock.train.borders import border_errors
from genlock.train.sounds import SoundSet


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--sounds", required=True)
    parser.add_argument("--part", choices=("train", "valid", "test"), default="test")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = SoundSet.open(options.sounds).part(options.part).where(lambda clip: bool(clip.words))
    bias = load_speech_encoder(options.model, ctc=True).bias_seconds
    print(f"{len(clips)} clips; milliseconds: mean absolute, bias, median, 95 %; share within "
          f"{', '.join(f'{1000 * t:.0f}' for t in TOLERANCES)} ms; not found")  # fmt: skip
    for name, taken in (("as it is", Fraction(0)), (f"less {1000 * float(bias):+.0f} ms", bias)):
        starts, ends = border_errors(options.model, clips, bias_seconds=taken)
        print(f"{name:<16} starts {starts}")
        print(f"{'':<16} ends   {ends}")


if __name__ == "__main__":
    main()
