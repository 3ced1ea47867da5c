"""How the networks of sound for a silent video learn."""
