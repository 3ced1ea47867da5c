"""A model that begins with what another one has learnt."""

from __future__ import annotations

from genlock.core.errors import MissingDependency

try:
    from genlock.models.avhubert.recognizer import AVRecognizer
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["started"]


def started(model: AVRecognizer, start: AVRecognizer, fresh: tuple[str, ...] = ("gate.",)) -> None:
    """Put what another model has under the same names and in the same sizes into a fresh one.

    Parameters
    ----------
    fresh : beginnings of names that stay as they are; the gate is fitted at the end
    """
    own, theirs = model.state_dict(), start.state_dict()
    fits = {
        name: value
        for name, value in theirs.items()
        if not name.startswith(fresh) and name in own and own[name].shape == value.shape
    }
    model.load_state_dict({**own, **fits})
