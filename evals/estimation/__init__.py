"""Estimation: what scores of a sample say of all sessions, in intervals that hold, corrected by people's labels."""
