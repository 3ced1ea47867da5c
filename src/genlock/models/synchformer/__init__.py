"""Synchformer (Iashin et al. 2024), by its public weights: :mod:`.net` and :mod:`.load`."""
