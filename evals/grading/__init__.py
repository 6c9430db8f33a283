"""Graders: what says how good an interaction was, each with a version, and a failure where it cannot say."""
