"""Import jobs: the list, the form with its consequences, the page of one, run and delete."""
