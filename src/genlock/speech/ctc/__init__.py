"""Recognition and alignment by CTC checkpoints."""
