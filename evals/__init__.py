"""Evaluation: how good sessions were, whether that changes, and whether a change may go out.

- `interaction`: one session as everything here sees it; `reading/` makes it of stored sessions and of recordings.
  `rubric`: what a good one is.
- `suites/`: frozen sets of representative interactions, and how they are drawn.
- `grading/`: graders. `judging/`: models as judges, and how far they are to be trusted. `labelling/`: people's labels.
- `estimation/`: means with intervals, corrected by people's labels. `agreement/`: how often findings are right.
- `sampling`, `scheduling/`: who is graded, when, and what it may cost. `input_drift/`: whether prompts have changed.
- `gate/`: a candidate against a baseline, before it goes out.

Scores go to `agent.scores` (`schemas/scores.py`); the worker keeps them. Whether they fall is for `quality_drift`.
"""
