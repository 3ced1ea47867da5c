"""Training: one loop, and one recipe for each model. Needs the ``models`` extra."""
