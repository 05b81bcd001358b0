"""The digits' exam: what the library's first user holds its models to."""
