"""Staged rows become records, set by set. Knows tables and keys, no files."""
