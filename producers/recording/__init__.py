"""Inside a session: what it records, in which order, and what the sessions of one process share."""
