"""Talkers: sentences spoken with known times of phones and words, and the faces that speak them."""
