"""How good the digits' models are."""
