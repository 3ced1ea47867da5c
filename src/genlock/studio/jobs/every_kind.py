"""Every kind of job by its name."""

from __future__ import annotations

from genlock.studio.jobs.kinds import CLIP_KINDS, JobKind
from genlock.studio.jobs.made_kinds import MADE_KINDS
from genlock.studio.jobs.model_kinds import FETCH
from genlock.studio.jobs.timeline_kinds import TIMELINE_KINDS

__all__ = ["KINDS"]

#: The kinds of jobs by name.
KINDS: dict[str, JobKind] = {kind.name: kind for kind in (*CLIP_KINDS, *TIMELINE_KINDS, *MADE_KINDS, FETCH)}
