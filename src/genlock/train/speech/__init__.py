"""Recipes of speech models."""
