"""Jobs of the studio: a queue in SQLite, workers in processes of their own, progress, a log, and an end to each."""
