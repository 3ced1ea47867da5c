"""Alignment by the CMU Sphinx acoustic model, which is always at hand."""
