"""Orders: the list, the page of one with its lines, life and exports, and the move to another status."""
