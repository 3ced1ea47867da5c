"""One-shots as people have them: attacks to the sample, layers by name and by loudness, broken files named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import InputError
from genlock.foley.attacks import find_attack
from genlock.foley.one_shots import ShotReader, open_library
from genlock.media import Sound, encode


def blow(
    rate: int, silence: float = 0.05, level: float = 0.5, pitch: float = 700.0
) -> tuple[np.ndarray, int]:
    """A struck sound after silence, and the sample at which it begins."""
    first = round(silence * rate)
    since = np.arange(round(0.2 * rate)) / rate
    ring = level * np.exp(-since / 0.04) * np.cos(2 * np.pi * pitch * since)
    return np.concatenate([np.zeros(first), ring]), first


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("noise_db", [None, -60.0, -45.0])
def test_an_attack_is_found_to_the_sample(rate: int, noise_db: float | None) -> None:
    sound, first = blow(rate)
    if noise_db is not None:
        sound = sound + 10 ** (noise_db / 20) * np.random.default_rng(1).standard_normal(len(sound))
    found = find_attack(sound, rate)
    assert found is not None
    assert abs(found - first) <= 1


def test_silence_has_no_attack_and_a_click_long_before_is_not_it() -> None:
    assert find_attack(np.zeros(1000), 8000) is None
    sound, first = blow(48000, silence=0.3)
    sound[100:110] += 0.05  # a finger on the microphone
    assert find_attack(sound, 48000) == first


@pytest.mark.parametrize(
    ("ending", "rate", "channels", "codec", "off"),
    [
        (".wav", 8000, 1, "pcm_u8", 1),
        (".wav", 192000, 2, "pcm_f32le", 1),
        (".wav", 96000, 1, "pcm_s24le", 1),
        (".flac", 44100, 2, "flac", 1),
        (".aiff", 22050, 1, "pcm_s16be", 1),
        (".ogg", 48000, 2, "libopus", 150),  # lossy codecs sound a little before the attack
        (".mp3", 44100, 1, "libmp3lame", 700),
    ],
)
def test_formats_of_libraries(
    tmp_path: Path, ending: str, rate: int, channels: int, codec: str, off: int
) -> None:
    sound, first = blow(rate)
    both = np.repeat(sound[:, None], channels, axis=1)
    encode(tmp_path / f"wood{ending}", sound=Sound(both, rate, codec=codec))
    ((shot,),) = open_library(tmp_path).groups["wood"]
    assert (shot.rate, shot.channels) == (rate, channels)
    assert abs(shot.attack - Fraction(first, rate)) <= Fraction(off, rate)
    samples = ShotReader(48000).samples(shot)
    assert samples.shape[1] == 2
    assert abs(np.argmax(np.abs(samples[:, 0]) > 0.1) - first * 48000 / rate) <= max(8, off * 48000 / rate)


def test_layers_by_name_and_by_loudness(tmp_path: Path) -> None:
    for folder, name, level in (
        ("stone", "hit_hard_1", 0.8),
        ("stone", "hit_soft_1", 0.1),
        ("stone", "hit_soft_2", 0.1),
        ("metal", "m_v1", 0.5),  # normalised: only the name tells
        ("metal", "m_v2", 0.5),
        ("glass", "take 1", 0.5),
        ("glass", "take 2", 0.45),
        ("glass", "take 3", 0.05),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        encode(tmp_path / folder / f"{name}.wav", sound=Sound(blow(16000, level=level)[0], 16000))
    library = open_library(tmp_path)
    named = {
        group: [[Path(shot.path).stem for shot in layer] for layer in layers]
        for group, layers in library.groups.items()
    }
    assert named["stone"] == [["hit_soft_1", "hit_soft_2"], ["hit_hard_1"]]
    assert named["metal"] == [["m_v1"], ["m_v2"]]
    assert named["glass"] == [["take 3"], ["take 2", "take 1"]]
    assert library.classes_of("stone") == ("stone",)


def test_a_flat_folder_has_its_classes_in_the_names(tmp_path: Path) -> None:
    for name in ("Wood Soft 01", "Wood Hard 01", "kick-f", "kick-p", "Snare12"):
        encode(tmp_path / f"{name}.wav", sound=Sound(blow(16000)[0], 16000))
    assert sorted(open_library(tmp_path).groups) == ["kick", "snare", "wood"]


def test_names_are_words_of_any_language(tmp_path: Path) -> None:
    """Letters beyond ASCII were taken for gaps between words."""
    for name in ("Türklinke_soft_1", "Türklinke_hard_1", "дверь_1"):
        encode(tmp_path / f"{name}.wav", sound=Sound(blow(8000)[0], 8000))
    found = open_library(tmp_path)
    assert sorted(found.groups) == ["türklinke", "дверь"]
    assert len(found.groups["türklinke"]) == 2
    assert found.classes_of("Дверь") == ("дверь",)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF....")
    (tmp_path / "licence.txt").write_text("CC0")
    encode(tmp_path / "silent.wav", sound=Sound(np.zeros(8000), 16000))
    with pytest.raises(InputError, match=r"no sound that can be used .*broken.wav.*silent.wav"):
        open_library(tmp_path)
    encode(tmp_path / "wood.wav", sound=Sound(blow(16000)[0], 16000))
    library = open_library(tmp_path)
    assert library.count == 1
    assert sorted(line.split(":")[0] for line in library.left_out) == ["broken.wav", "silent.wav"]


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        open_library(tmp_path / "nowhere")
    with pytest.raises(InputError, match="0 files"):
        open_library(tmp_path)
