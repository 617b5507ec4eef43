"""Commands on the checkpoints of trainings."""
