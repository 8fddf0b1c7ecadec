"""bin/screenshots: the demo, looked at through the eyes of each kind of user."""
