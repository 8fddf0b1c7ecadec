"""Home: what needs a person, what runs, what was done."""
