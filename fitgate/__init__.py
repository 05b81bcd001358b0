"""The library that the suite is made of."""
