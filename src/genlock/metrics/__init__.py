"""Measures of results against the truth."""
