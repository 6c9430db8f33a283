"""The fleet's agents, by the kind of their work: who they are, which model they use, and what tools they have."""
