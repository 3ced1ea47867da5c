"""Mistakes about speech models that were made once, by us or by others."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="speech models need the extra genlock[models]")
transformers = pytest.importorskip("transformers", reason="speech models need the extra genlock[models]")

from genlock.models.speech.encoder import SpeechEncoder  # noqa: E402

SMALL = transformers.Wav2Vec2Config(
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    conv_dim=(8,) * 7,
    num_conv_pos_embeddings=8,
    num_conv_pos_embedding_groups=2,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
)


def test_the_last_hidden_state_is_the_models_output() -> None:
    """transformers 5 lists the last layer of a layer-norm model without the norm that follows it."""
    torch.manual_seed(0)
    model = transformers.Wav2Vec2Model(SMALL).eval()
    encoder = SpeechEncoder(
        model, "small", tuple(SMALL.conv_kernel), tuple(SMALL.conv_stride), 16000, normalize=True
    )
    samples = np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32)
    with torch.inference_mode():
        output = model(torch.from_numpy(samples)).last_hidden_state
    states = encoder.hidden(samples)
    assert len(states) == 2
    torch.testing.assert_close(states[-1], output)


def test_the_clip_norm_of_sound_with_a_large_offset() -> None:
    """The difference of squares loses the variance of a soft sound on a large offset; two passes do not."""
    model = transformers.Wav2Vec2Model(SMALL).eval()
    encoder = SpeechEncoder(
        model, "small", tuple(SMALL.conv_kernel), tuple(SMALL.conv_stride), 16000, normalize=True
    )
    sound = (1000 + 1e-2 * np.random.default_rng(0).standard_normal(700_000)).astype(np.float32)
    mean, deviation = encoder.clip_statistics(lambda a, b: sound[a:b], len(sound))
    expected = sound.astype(np.float64)
    assert mean == pytest.approx(expected.mean(), rel=1e-12)
    assert deviation == pytest.approx(np.sqrt(expected.var() + 1e-7), rel=1e-9)
