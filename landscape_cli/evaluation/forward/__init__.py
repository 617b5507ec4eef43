"""How a forward pass is done: settings, calibration, compilation, folding."""
