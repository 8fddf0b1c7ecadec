"""The face: pages and JSON API."""
