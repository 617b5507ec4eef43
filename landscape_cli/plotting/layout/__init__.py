"""The places of panels, legends and texts in a figure."""
