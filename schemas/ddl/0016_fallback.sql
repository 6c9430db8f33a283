-- What an agent does meanwhile: of `circuit_open`, in the words of its policy.
ALTER TABLE control_commands $on_cluster ADD COLUMN IF NOT EXISTS fallback String AFTER reason;
