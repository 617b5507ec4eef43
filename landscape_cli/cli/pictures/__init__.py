"""Options and output of the commands that draw."""
