"""Films of a ball that bounces and of a stick that strikes, drawn at any instants, with the contacts known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from genlock.media import Picture, encode

WIDTH, HEIGHT = 320, 240


def room(seed: int) -> np.ndarray:
    """A background with texture, uint8 [H + 40, W + 40, 3]."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(60, 170, (16, 20, 3)).astype(np.uint8)
    page = cv2.resize(coarse, (WIDTH + 40, HEIGHT + 40), interpolation=cv2.INTER_CUBIC)
    fine = draw.normal(0, 9, page.shape)
    return np.clip(page + cv2.GaussianBlur(fine, (0, 0), 1.0) * 2, 0, 255).astype(np.uint8)


def contacts(count: int, seed: int, first: float = 0.7) -> list[float]:
    """Instants of contacts, unevenly apart."""
    gaps = np.random.default_rng([seed, 1]).uniform(0.45, 0.9, count)
    return (first + np.concatenate([[0], np.cumsum(gaps[1:])])).tolist()


def tip_height(t: float, hits: list[float], strength: list[float]) -> float:
    """How high the stick's tip is above what it strikes, 0 at contacts: lifted slowly, struck fast, thrown back."""
    before = [h for h in hits if h <= t]
    after = [k for k, h in enumerate(hits) if h > t]
    top = 0.0
    since = t - before[-1] if before else 10.0
    if after:
        k = after[0]
        left = hits[k] - t
        gap = hits[k] - (before[-1] if before else hits[k] - 1.2)
        swing = min(0.16, 0.4 * gap)
        if left < swing:  # down, faster and faster
            return strength[k] * (1 - (1 - left / swing) ** 2)
        top = strength[k] * min(1.0, since / max(gap - swing, 1e-6)) ** 0.8
        rebound = 0.25 * strength[k - 1] if k else 0.0
        return max(top, rebound * min(1.0, since / 0.05) * max(0.0, 1 - since / 0.4))
    return 0.25 * strength[-1] * min(1.0, since / 0.05)


def stick_frame(
    t: float, hits: list[float], strength: list[float], page: np.ndarray, shake: tuple[float, float], x: float
) -> np.ndarray:
    """One instant of a stick that turns about a hand and strikes a block."""
    image = page.copy()
    left, top = 20.0, 20.0
    base = (left + x * WIDTH, top + 0.72 * HEIGHT)
    cv2.rectangle(
        image, (int(base[0]) - 40, int(base[1])), (int(base[0]) + 50, int(base[1]) + 45), (70, 110, 150), -1
    )
    hand = np.array([base[0] + 110, base[1] - 40])
    tip = np.array([base[0], base[1] - tip_height(t, hits, strength) * HEIGHT])
    where = [tuple(np.rint(p * 16).astype(int).tolist()) for p in (hand, tip)]
    cv2.line(image, where[0], where[1], (210, 190, 140), 7, cv2.LINE_AA, 4)
    cv2.circle(image, where[0], 12 * 16, (120, 140, 200), -1, cv2.LINE_AA, 4)
    matrix = np.float32([[1, 0, -left + shake[0]], [0, 1, -top + shake[1]]])
    return cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)


def stick_film(
    path: Path,
    rate: Fraction | int,
    hits: list[float],
    *,
    seconds: float | None = None,
    strength: list[float] | None = None,
    seed: int = 0,
    shake: float = 0.0,
    x: float = 0.35,
    shutter: float = 1 / 3,
    ticks: list[int] | None = None,
) -> Path:
    """A film of a stick that strikes at these instants; each frame is what was seen from its stamp on.

    Parameters
    ----------
    shake : of the camera, in pixels
    shutter : share of a frame's time over which it is exposed
    ticks : starts of the frames in milliseconds, for a variable rate
    """
    hard = strength or [0.35] * len(hits)
    page = room(seed)
    end = seconds or hits[-1] + 0.6
    starts = np.arange(int(end * rate)) / float(rate) if ticks is None else np.array(ticks[:-1]) / 1000
    lengths = np.full(len(starts), 1 / float(rate)) if ticks is None else np.diff(ticks) / 1000
    phase = np.random.default_rng([seed, 2]).uniform(0, 6, 4)

    def frame(start: float, length: float) -> np.ndarray:
        middle = start + shutter * length / 2
        parts = []
        for share in np.linspace(-0.5, 0.5, 3) * shutter:
            t = middle + share * length
            moved = shake * np.array([np.sin(5 * t + phase[0]), np.sin(7 * t + phase[1])])
            parts.append(stick_frame(t, hits, hard, page, (moved[0], moved[1]), x).astype(np.float32))
        return np.mean(parts, axis=0).astype(np.uint8)

    frames = (frame(s, n) for s, n in zip(starts.tolist(), lengths.tolist(), strict=True))
    if ticks is None:
        encode(path, Picture(frames, rate=rate, codec="libx264", options={"preset": "ultrafast"}))
    else:
        encode(
            path,
            Picture(
                frames,
                rate=rate,
                pts=ticks[:-1],
                time_base=Fraction(1, 1000),
                codec="libx264",
                options={"preset": "ultrafast"},
            ),
        )
    return path


def matched(found: np.ndarray, truth: list[float], within: float) -> tuple[int, list[float]]:
    """How many are matched one to one, nearest first, and their errors."""
    pairs = sorted((abs(f - t), i, j) for i, f in enumerate(found) for j, t in enumerate(truth))
    used: tuple[set[int], set[int]] = (set(), set())
    errors = []
    for distance, i, j in pairs:
        if distance <= within and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            errors.append(found[i] - truth[j])
    return len(errors), errors
