"""What people see of a session's record and of dead letters, as text."""
