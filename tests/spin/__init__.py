"""The pipeline machine in Promela, written by hand and counted by SPIN."""
