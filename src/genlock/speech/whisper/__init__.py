"""Whisper in all its sizes: which model is meant, where it lies, and what it hears."""
