"""`watchkeeper evals label`: the queue (`queue`), a session as a labeller sees it (`page`), and the keys (`asking`)."""
