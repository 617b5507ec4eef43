"""Settings of the forward pass, and their choice: defaults, calibration, compilation, threads."""
