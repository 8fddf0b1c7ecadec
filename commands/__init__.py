"""What bin/run, bin/test and bin/datahub do. Standard library only: it runs before anything is installed."""
