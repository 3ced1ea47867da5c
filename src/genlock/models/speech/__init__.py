"""Networks that hear: wav2vec 2.0 and its relatives."""
