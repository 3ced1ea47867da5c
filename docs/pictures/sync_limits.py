"""The two-sided limits of the standards, and what they say of some intervals."""

from __future__ import annotations

from _style import BLUE, GREY, INK, PALE, SKY, pyplot, save

from genlock.lipsync.verdicts import LIMITS

INTERVALS = ((-0.072, -0.052), (-0.012, 0.010), (0.030, 0.050), (0.104, 0.132))
COLORS = {"passes": "#26843f", "fails": "#c01c28", "cannot tell": GREY}

figure, ax = pyplot.subplots(figsize=(8, 3.4))
for row, limit in enumerate(LIMITS):
    y = len(LIMITS) - row
    ax.barh(
        y,
        (limit.early_seconds + limit.late_seconds) * 1000,
        left=-limit.late_seconds * 1000,
        height=0.62,
        color=SKY if row % 2 else PALE,
    )
    ax.text(-250, y, limit.name, va="center", fontsize=9.5, color=INK)
    for low, high in INTERVALS:
        answer = limit.answer((low, high))
        ax.plot([low * 1000, high * 1000], [y, y], color=COLORS[answer], lw=4, solid_capstyle="butt")
ax.axvline(0, color=GREY, lw=0.8)
for k, (name, color) in enumerate(COLORS.items()):
    ax.text(-185 + 110 * k, len(LIMITS) + 0.85, name, color=color, fontsize=9.5, weight="bold")
ax.set(
    xlim=(-255, 145),
    ylim=(0.4, len(LIMITS) + 1.3),
    yticks=[],
    xlabel="sound late  |  offset in ms  |  sound early",
)
ax.xaxis.label.set_color(BLUE)
save(figure, "sync_limits")
