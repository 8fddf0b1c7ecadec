"""Rows of files become staged rows: their columns found, their cells converted, folded into records and checked."""
