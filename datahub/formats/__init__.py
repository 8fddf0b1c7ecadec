"""Bytes from and to documents, one file per format."""
