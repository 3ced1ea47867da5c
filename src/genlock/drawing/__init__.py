"""Text and shapes, on pixels and as SVG. It knows nothing of what it draws."""
