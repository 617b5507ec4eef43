"""The ways in which convolutions are computed: folded, fused, narrow, in another memory order."""
