"""Words for the shell and its user: completion, versions and the device."""
