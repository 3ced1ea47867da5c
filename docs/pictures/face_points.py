"""The face that every head is brought onto: its rigid points, the unit of length, and the square of a mouth crop."""

from __future__ import annotations

from _style import BLUE, GREEN, GREY, INK, RED, pyplot, save

from genlock.extractors.face.mouth import CROP_EYE_DISTANCES
from genlock.extractors.face.pose import CANONICAL_RIGID, RIGID

figure, ax = pyplot.subplots(figsize=(8, 5))
place = dict(zip(RIGID, CANONICAL_RIGID, strict=True))
for index, (x, y, _) in place.items():
    ax.plot(x, y, "o", color=BLUE, ms=6)
    ax.annotate(str(index), (x, y), textcoords="offset points", xytext=(6, 4), fontsize=8, color=GREY)
(x0, y0, _), (x1, y1, _) = place[33], place[263]
ax.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "<->", "color": RED})
ax.text(0.24, y0 + 0.05, "1 eye distance", color=RED, fontsize=10, va="top")
half, middle = CROP_EYE_DISTANCES / 2, 0.84
ax.add_patch(pyplot.Rectangle((-half, middle - half), 2 * half, 2 * half, fill=False, ec=GREEN, lw=1.5))
ax.text(
    half + 0.03,
    middle,
    f"mouth crop,\n{CROP_EYE_DISTANCES} eye distances",
    color=GREEN,
    fontsize=10,
    va="center",
)
ax.plot(0, 0, "+", color=INK, ms=12)
ax.text(-0.04, -0.02, "origin", color=INK, fontsize=9, ha="right")
ax.set(xlim=(-1.4, 1.4), ylim=(1.5, -0.7), aspect="equal", xticks=[], yticks=[])
ax.spines["bottom"].set_visible(False)
save(figure, "face_points")
