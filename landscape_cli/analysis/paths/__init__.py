"""Numbers of a training's path over a surface: angles with contours, losses off the plane."""
