"""What a feature of sound and picture together is: something made of the Tracks that other features give in one pass.

It says of which features it is made, and how their Tracks become one. It looks at no sample and no frame itself, so a
file is still read once, and the face nets run once a frame.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from genlock.core.errors import OptionError
from genlock.core.track import Track
from genlock.extractors.base import Feature
from genlock.extractors.registry import make_extractor

__all__ = ["BothFeature"]


class BothFeature(Feature):
    """A feature that is made of others, of sound, of the picture or of faces.

    A subclass says ``name``, ``parts`` and :meth:`join`.
    """

    takes = "both"
    parts: tuple[str, ...]
    """The features that it is made of, as ``--feature`` names them: ``("energy", "mouth:aperture")``."""

    @cached_property
    def made_of(self) -> dict[str, Feature]:
        """Its parts by what :attr:`parts` calls them, ready to be fed.

        Raises OptionError if one is made of others itself, or what :func:`make_extractor` raises.
        """
        made = {spec: make_extractor(spec) for spec in self.parts}
        for spec, part in made.items():
            if part.takes == "both":
                raise OptionError(
                    f"the feature {self.name!r} is made of {spec!r}, which is made of others itself"
                )
        return made

    @property
    def needs(self) -> frozenset[str]:
        """What its parts need."""
        return frozenset[str]().union(*(part.needs for part in self.made_of.values()))

    @abstractmethod
    def join(self, tracks: Mapping[str, Track]) -> Track:
        """The Track of this feature.

        Parameters
        ----------
        tracks : of all parts, by what :attr:`parts` calls them, each on its own cells; all on one clock. Where a part
            is of faces, it is that of one face: this is called for each face
        """

    def joined(self, found: Mapping[str, Track]) -> dict[str, Track]:
        """What there is of it, by name, given the Tracks of its parts by theirs: of faces ``NAME.face0`` and so on.

        Nothing if the file has no sound or no picture for one of them.
        """
        names = {spec: part.name for spec, part in self.made_of.items() if "faces" not in part.needs}
        faces = {spec: part.name for spec, part in self.made_of.items() if "faces" in part.needs}
        if not all(name in found for name in names.values()):
            return {}
        made = {}
        for ending in _faces(next(iter(faces.values())), found) if faces else [""]:
            of_face = {spec: found.get(f"{name}{ending}") for spec, name in faces.items()}
            tracks = {spec: track for spec, track in of_face.items() if track is not None}
            if len(tracks) == len(faces):
                track = self.join({**{spec: found[name] for spec, name in names.items()}, **tracks})
                made[f"{self.name}{ending}"] = replace(track, name=f"{self.name}{ending}")
        return made


def _faces(feature: str, found: Mapping[str, Track]) -> list[str]:
    """The endings of a feature's Tracks: ``.face0`` ..."""
    return [name.removeprefix(feature) for name in found if name.startswith(f"{feature}.face")]
