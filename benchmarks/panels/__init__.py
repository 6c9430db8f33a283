"""Panels over a month of a large fleet; see `bench`."""
