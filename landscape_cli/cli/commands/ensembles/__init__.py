"""Commands on several networks together."""
