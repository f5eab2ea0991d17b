"""The controller `ms`: a thin door on the commands of Redis."""
