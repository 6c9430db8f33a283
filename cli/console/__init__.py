"""What the console reads and does, filled in from what the commands have; and the server that shows it."""
