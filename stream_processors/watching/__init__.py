"""How the worker watches itself: figures, rows of them, and whether it still does its work."""
