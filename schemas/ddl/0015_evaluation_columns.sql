-- What a day's budget left of those that were drawn. It is alike for all that were drawn together, whatever their risk, and
-- so no reason to weigh one of them more than another: drift leaves it out of its weights, estimates do not.
ALTER TABLE scores $on_cluster ADD COLUMN IF NOT EXISTS kept Float64 DEFAULT 1 AFTER inclusion;
ALTER TABLE eval_samples $on_cluster ADD COLUMN IF NOT EXISTS kept Float64 DEFAULT 1 AFTER inclusion;

-- Who graded a run: runs by other graders, or other versions of them, say nothing of each other.
ALTER TABLE eval_runs $on_cluster ADD COLUMN IF NOT EXISTS graders String AFTER target;
