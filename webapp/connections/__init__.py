"""Connections: the list, the page of one with its test, creating and changing it."""
