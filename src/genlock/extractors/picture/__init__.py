"""Features of whole pictures."""
