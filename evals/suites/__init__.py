"""Suites: frozen, versioned sets of representative interactions with the rubrics by which they are judged.

- `suite`: a suite and its hash. `case`: one of its cases. `files`: the folder in which people read and edit it;
  `mistakes`: what is wrong in one, by file and line.
- `creating`: a new suite. `candidates`: the sessions that may become cases; `cutting`: where in one a case begins;
  `strata`: what one is like; `likeness`: which requests are alike; `allocation`, `clustering`, `drawing`: which
  become cases; `casting`: a session as a case; `starting_rubrics`: rubrics to begin with.
- `comparing`: two suites, or a suite and live traffic. `refreshing`: a suite with what live traffic has besides.
  `warnings_of`: what a suite cannot tell.
"""
