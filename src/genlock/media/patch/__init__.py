"""Change the few bytes of a media file that say when its sounds play, and nothing else."""
