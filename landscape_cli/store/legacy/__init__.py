"""Files of Li et al.'s `loss-landscape`, read as ours."""
