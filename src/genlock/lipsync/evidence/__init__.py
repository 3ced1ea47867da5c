"""What is gathered of sound and picture before anyone estimates an offset."""
