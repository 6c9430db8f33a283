"""A grader that learned from labelled sessions how likely a session is good.

- `features`: what is looked at; `encoding`: as numbers. Both are pure: grading needs neither numpy nor scikit-learn.
- `model_file`: the trained model as JSON, which holds numbers and nothing that runs; `grader` grades by it.
- `training`, `candidates`: choosing, fitting and calibrating, with scikit-learn; `measures`: how good it is on sessions
  that it has not seen, with intervals; `model_card`: the same for people.
"""
