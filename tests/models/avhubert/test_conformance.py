"""AV-HuBERT gives the numbers of the public code: every array that was made with it, every listing of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from genlock.aligners.diagonal import diagonal_means
from genlock.models.avhubert.alignment import diagonal_scores, encode_apart, shift_scores
from genlock.models.avhubert.decoder import Decoder
from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.avhubert.names import fairseq_name, our_name
from genlock.models.avhubert.shape import decoder_preset, preset
from genlock.models.state import shapes_of

Agrees = Callable[[Any, np.ndarray], None]
Vectors = dict[str, dict[str, np.ndarray]]

STREAMS = {"both": (True, True), "audio": (True, False), "video": (False, True)}


@pytest.fixture(scope="module")
def inputs(plan: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    padding = torch.zeros(2, 23, dtype=torch.bool)
    padding[1, 17:] = True
    return plan.signal("audio", (2, 104, 23)), plan.signal("video", (2, 1, 23, 88, 88)), padding


@pytest.mark.parametrize("stream", STREAMS)
def test_the_encoder_with_padding(
    stream: str, tiny: Any, inputs: Any, vectors: Vectors, agrees: Agrees
) -> None:
    sound, picture, padding = inputs
    hears, sees = STREAMS[stream]
    with torch.no_grad():
        found = tiny(sound if hears else None, picture if sees else None, padding)
    agrees(found.last, vectors["tiny"][f"{stream}_last"])


@pytest.mark.parametrize("stream", STREAMS)
def test_the_encoder_without_padding(
    stream: str, tiny: Any, inputs: Any, vectors: Vectors, agrees: Agrees
) -> None:
    sound, picture, _ = inputs
    hears, sees = STREAMS[stream]
    with torch.no_grad():
        found = tiny(sound[:1] if hears else None, picture[:1] if sees else None)
    agrees(found.last, vectors["tiny"][f"{stream}_last_item0_alone"])


def test_every_layer_both_fronts_and_clusters(
    tiny: Any, inputs: Any, vectors: Vectors, agrees: Agrees
) -> None:
    sound, picture, padding = inputs
    known = vectors["tiny"]
    with torch.no_grad():
        found = tiny(sound, picture, padding, layers=True)
        heard, seen = tiny.fronts(sound, picture)
        clusters = tiny.cluster_logits(found.last)
    assert len(found.layers) == 4
    for k in (1, 2, 3):
        agrees(found.layers[k], known[f"both_layer{k}"])
    agrees(heard.transpose(1, 2), known["audio_frontend"])
    agrees(seen.transpose(1, 2), known["video_frontend"])
    agrees(clusters, known["cluster_logits"])


def test_a_stream_that_a_clip_lacks_is_a_missing_stream(tiny: Any, inputs: Any) -> None:
    sound, picture, padding = inputs
    hears = torch.tensor([True, False])
    with torch.no_grad():
        mixed = tiny(sound, picture, padding, hears=hears).last
        both, seen = tiny(sound, picture, padding).last, tiny(None, picture, padding).last
    assert torch.allclose(mixed[0], both[0], atol=1e-5)
    assert torch.allclose(mixed[1], seen[1], atol=1e-5)


def test_the_decoder(plan: Any, vectors: Vectors, agrees: Agrees, inputs: Any) -> None:
    decoder, known = plan.tiny_decoder(), vectors["tiny_decoder"]
    memory, tokens = torch.from_numpy(vectors["tiny"]["both_last"]), torch.from_numpy(known["tokens"])
    padding = inputs[2]
    with torch.no_grad():
        agrees(decoder(tokens, memory, padding), known["logits"])
        cache = decoder.start(memory, padding)
        steps = [decoder.step(tokens[:, k], cache) for k in range(tokens.shape[1])]
    agrees(torch.stack(steps, 1), known["logits"])
    assert cache.length == tokens.shape[1]


def test_alignment(plan: Any, tiny: Any, vectors: Vectors, agrees: Agrees) -> None:
    sound, picture = plan.signal("align audio", (1, 104, 60)), plan.signal("align video", (1, 1, 60, 88, 88))
    known = vectors["tiny_align"]
    with torch.no_grad():
        heard, seen = encode_apart(tiny, sound, picture)
        shifts = shift_scores(tiny, sound, picture)
    agrees(heard, known["sound_encoding"])
    agrees(seen, known["picture_encoding"])
    similarity = (heard @ seen.transpose(1, 2))[0]
    agrees(similarity, known["similarity"])
    means, pairs = diagonal_means(known["similarity"], 25)
    agrees(means, known["diagonal_means"])
    agrees(shifts.scores[0], known["diagonal_means"])
    assert pairs.tolist() == shifts.pairs[0].tolist() == [60 - abs(k) for k in known["shifts"]]


@pytest.mark.parametrize("size", ["base", "large"])
def test_names_and_shapes_of_the_public_sizes(size: str, plan: Any) -> None:
    with torch.device("meta"):
        encoder, decoder = AVHuBERT(preset(size)), Decoder(decoder_preset(size))
    ours = {fairseq_name(name): shape for name, shape in shapes_of(encoder.state_dict()).items()}
    assert ours == plan.listing(size)
    of_decoder = {f"decoder.{name}": shape for name, shape in shapes_of(decoder.state_dict()).items()}
    assert of_decoder == plan.listing(f"{size}_decoder")
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count == {"base": 102_945_256, "large": 325_397_480}[size]


def test_names_go_both_ways(tiny: Any) -> None:
    for name in tiny.state_dict():
        assert our_name(fairseq_name(name)) == name


def test_what_is_padded_is_no_part_of_any_mean() -> None:
    rows = torch.nn.functional.normalize(
        torch.randn(2, 40, 8, generator=torch.Generator().manual_seed(1)), dim=-1
    )
    there = torch.ones(2, 40, dtype=torch.bool)
    there[1, 30:] = False
    padded = diagonal_scores(rows, rows, there, there)
    alone = diagonal_scores(rows[1:, :30], rows[1:, :30])
    assert torch.allclose(padded.scores[1], alone.scores[0], atol=1e-6)
    assert padded.pairs[1].tolist() == alone.pairs[0].tolist()


def test_the_front_that_learns_is_the_front_that_runs() -> None:
    torch.manual_seed(1)
    front = AVHuBERT(preset("nano")).feature_extractor_video.resnet
    norm, picture = front.frontend3D[1], torch.randn(2, 1, 6, 40, 48)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter, 1.0, 0.2)
    by_frames = front._frame_by_frame(picture)
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    norm.reset_running_stats()
    at_once = front.frontend3D(picture).transpose(1, 2).flatten(0, 1)
    assert torch.allclose(by_frames, at_once, atol=1e-4)
    assert torch.allclose(norm.running_mean, mean, atol=1e-5)
    assert torch.allclose(norm.running_var, variance, rtol=1e-4)
