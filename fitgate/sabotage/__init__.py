"""Sabotage: seeded defects, planted in our own models and harness to see whether the gates catch them."""
