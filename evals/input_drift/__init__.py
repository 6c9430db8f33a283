"""Whether what people ask of agents is still what it was: a classifier tells old prompts from new ones, if it can."""
