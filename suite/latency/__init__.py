"""How fast the digits' models are, and what they take."""
