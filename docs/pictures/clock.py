"""One file's media clock: where sound and picture really lie."""

from __future__ import annotations

from _style import BLUE, GREY, INK, PALE, RED, SKY, save, sheet

figure, (ax,) = sheet(3.3)
# A phone's recording: the picture starts at 0, the sound at 0.146 s, behind 44 ms of encoder delay.
for k in range(10):
    ax.fill_between([k * 0.04, k * 0.04 + 0.04], 1.75, 2.3, color=SKY if k % 2 else PALE, lw=0)
    ax.text(k * 0.04 + 0.02, 2.02, str(k), ha="center", va="center", fontsize=9, color=BLUE)
ax.text(0, 2.4, "picture: frame k is shown over [pts, next pts)", color=INK, fontsize=9.5)
ax.fill_between([0.146 - 0.044, 0.146], 0.75, 1.3, facecolor="white", hatch="////", edgecolor=GREY)
ax.fill_between([0.146, 0.42], 0.75, 1.3, color=SKY, lw=0)
says = "sound: sample n is the instant 0.146 s + n/rate"
ax.text(0.283, 1.02, says, ha="center", va="center", fontsize=9.5, color=BLUE)
says = "encoder delay:\nstated, taken off"
ax.text(0.098, 1.02, says, ha="right", va="center", fontsize=9, color=INK)
for x in (0.0, 0.146):
    ax.plot([x, x], [0.35, 2.3], color=RED, lw=1)
ax.annotate("", (0, 0.5), (0.146, 0.5), arrowprops={"arrowstyle": "<->", "color": RED, "lw": 1})
ax.text(0.073, 0.2, "container offset", ha="center", color=RED, fontsize=9.5)
ax.set(xlim=(-0.01, 0.43), ylim=(0, 2.7), xticks=[0, 0.1, 0.2, 0.3, 0.4])
ax.set_xticklabels(["0", "0.1", "0.2", "0.3", "0.4 s"])
save(figure, "clock")
