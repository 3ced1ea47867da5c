"""Faces that are drawn, each registered by its name under ``genlock.faces``."""
