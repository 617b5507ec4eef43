"""Training of the bends of a curve, every step of which can be repeated bit by bit."""
