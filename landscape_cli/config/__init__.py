"""The configuration of a run, from YAML and the command line."""
