"""The talking test card: a film of which everything is known."""
