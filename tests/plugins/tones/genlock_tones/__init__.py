"""A language of three tones, ``low``, ``mid`` and ``high``: one plug-in of each kind for Genlock."""
