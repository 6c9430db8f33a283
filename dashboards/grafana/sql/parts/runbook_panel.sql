-- The panel of the dashboard Runbooks that tells of a finding's mode: its place in the catalogue, from 1.
indexOf([
        'hallucinated_tool', 'scope_creep', 'cost_runaway', 'reasoning_loop', 'audit_gap', 'tool_boundary',
        'unapproved_action', 'cascading_approval', 'goal_misgeneralization', 'context_drift',
        'nondeterministic_decision', 'unsafe_rule_change', 'untyped_fact', 'ungrounded_answer', 'permission_leak',
        'prompt_injection', 'data_leak', 'duplicate_action', 'conflicting_write', 'tool_degradation', 'latency_budget',
        'quality_drift', 'input_drift', 'version_drift', 'incident'
    ], failure_mode)
