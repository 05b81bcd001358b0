"""A/B: whether a change makes predictions slower, by timing two working trees in turn in fresh processes."""
