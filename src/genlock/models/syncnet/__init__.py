"""SyncNet (Chung and Zisserman 2016), by its public weights: :mod:`.towers` and :mod:`.load`."""
