"""Files of animations: their formats, and the palette of GIFs."""
