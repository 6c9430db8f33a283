"""Evaluation suites, graders and their scheduler. Empty until the work on evaluation lands."""
