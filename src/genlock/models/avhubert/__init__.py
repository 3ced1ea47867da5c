"""AV-HuBERT: an encoder of sound and lips, a decoder that writes what was said, and the shift between the two."""
