"""From the motion of a face to a film of it, and to the files of other programs."""
