-- fates: terminal outcomes.
-- Of the rows. Key: run, token
SELECT * FROM trail_outcomes WHERE outcome IS DISTINCT FROM 'buffered'
