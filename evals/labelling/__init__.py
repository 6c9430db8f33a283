"""People's labels: which sessions are worth labelling, in an order that keeps estimates right, and what was said.

- `worth`: what makes a session worth a person's time. `drawing`: the order, and the probabilities that follow from it.
- `rubrics`: rubrics from files, and one for those who have none. `answers`: what a person's keys say of a rubric.
- `records`: labels, draws, scores and candidates in the store. `importing`: labels of other tools.
"""
