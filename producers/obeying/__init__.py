"""Commands: read from `agent.control`, kept while they are in force, and obeyed by sessions."""
