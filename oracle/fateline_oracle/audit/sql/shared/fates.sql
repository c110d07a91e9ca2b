-- fates: terminal outcomes.
-- Of the rows. Key: run, token
SELECT run, token, outcome, sink, error, reason, batch, "group", promised, seq, tx, at
FROM trail_outcomes WHERE outcome IS DISTINCT FROM 'buffered'
