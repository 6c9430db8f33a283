"""The gate: a candidate against a baseline on the same cases, and whether the candidate may go out."""
