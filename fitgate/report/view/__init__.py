"""Views: what a report shows, as plain dataclasses made from records. They know nothing of markdown or of files."""
