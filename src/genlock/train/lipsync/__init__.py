"""Recipes of lip-sync models."""
