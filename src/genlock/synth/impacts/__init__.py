"""Struck, bouncing, scraped and rolling things: films of which every contact is known to the sample."""
