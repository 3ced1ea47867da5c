"""A face that moves with a voice: from Tracks of sound to weights of a basis of the face mesh, with numpy alone."""
