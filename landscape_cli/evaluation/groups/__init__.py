"""One model on a group of ranks: sharded, and evaluated by all of them together."""
