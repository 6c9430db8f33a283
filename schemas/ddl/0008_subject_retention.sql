-- Subjects of which nothing was heard for so long are forgotten: every signal writes its subject anew, so a subject that
-- is alive stays. Longer than any window of a rule: a customer's limit looks back 366 days, a proxy and its outcome 210.
-- Of those of which there are most, a fact or a written resource, the longest window is 30 days.
ALTER TABLE subjects $on_cluster MODIFY TTL
    toDateTime(stored_at) + INTERVAL 120 DAY DELETE WHERE subject LIKE 'facts:%' OR subject LIKE 'resource:%'
        OR subject LIKE 'action:%' OR subject LIKE 'user:%',
    toDateTime(stored_at) + INTERVAL 400 DAY DELETE;
