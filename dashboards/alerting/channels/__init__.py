"""The ways by which a message goes out: one module for each."""
