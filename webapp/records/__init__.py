"""Commerce records: how many there are, a list per entity, and the page of one with what changed it."""
