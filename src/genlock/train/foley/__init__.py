<<<<<<< HEAD
"""How the networks of sound for a silent video learn."""
=======
"""``genlock train codebook`` and ``genlock train vocoder``: tokens of sound, and sound of bands."""
>>>>>>> 478d1a8 (A codec of sound and a vocoder, with their training, and SpecVQGAN's networks as published)
