"""The `watchkeeper` command, and the local stack that it starts."""
