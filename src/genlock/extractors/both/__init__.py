"""Features of sound and picture together."""
