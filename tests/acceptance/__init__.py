"""What takes real data, or an installation: `pytest -m slow tests`."""
