"""The description of a run, from YAML and the command line."""
