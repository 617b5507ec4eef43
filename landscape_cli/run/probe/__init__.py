"""The search for ranges of directions, by evaluating a few points along each."""
