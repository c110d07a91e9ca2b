-- A returned row is an outcome that lacks a field it must have.
-- Asked of: outcomes
SELECT o.run, o.token, NULL AS node, 'has an unknown outcome: ' || coalesce(o.outcome, 'none') AS said
FROM trail_outcomes AS o LEFT JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.outcome IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its sink'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.sink = 'must' AND o.sink IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its error'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.error = 'must' AND o.error IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its reason'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.reason = 'must' AND o.reason IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its batch'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.batch = 'must' AND o.batch IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its group'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule."group" = 'must' AND o."group" IS NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which lacks its promise'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.promised = 'must' AND o.promised IS NULL
