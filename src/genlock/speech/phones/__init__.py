"""Phones of any language: one set of symbols, pronunciations, and an aligner that hears them."""
