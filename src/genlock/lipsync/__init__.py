"""Sound against picture: cues out of a file, estimators of the offset, their fusion, and verdicts.

Positive offsets mean that the sound is early.
"""
