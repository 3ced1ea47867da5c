"""Recipes of audio-visual speech: pretraining and distillation of an AV-HuBERT, and recognition that aligns itself."""
