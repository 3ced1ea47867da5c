"""Sound for a silent film: what strikes in the picture, and what is heard of it."""
