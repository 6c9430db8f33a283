"""A stored finding made small: the fewest events in which it is still found, written as a test."""
