"""A hub of real processes under steady work while a driver kills, freezes, flushes, cuts; then the books are checked.

`plan` decides what happens when, `stage` runs the processes, `traffic` and `driver` act, `observer` watches the
folders, `records` and `checker` compare what was owed with what arrived."""
