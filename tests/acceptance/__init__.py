"""What strangers do, done: tests that install, train on real data, or run what the documents say (`-m slow`)."""
