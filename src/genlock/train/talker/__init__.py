"""``genlock train talker``: a face that moves with a voice."""
