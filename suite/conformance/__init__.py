"""The CNN held to its contracts: scikit-learn's, and its own. It compiles, and trains on a few images."""
