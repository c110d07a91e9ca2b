-- A returned row is an outcome with a field that it must not have.
-- Asked of: outcomes
SELECT o.run, o.token, NULL AS node, 'is ' || o.outcome || ', which must not have a sink' AS said
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.sink = 'never' AND o.sink IS NOT NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which must not have an error'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.error = 'never' AND o.error IS NOT NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which must not have a reason'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.reason = 'never' AND o.reason IS NOT NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which must not have a batch'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.batch = 'never' AND o.batch IS NOT NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which must not have a group'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule."group" = 'never' AND o."group" IS NOT NULL
UNION ALL
SELECT o.run, o.token, NULL, 'is ' || o.outcome || ', which must not have a promise'
FROM trail_outcomes AS o JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.promised = 'never' AND o.promised IS NOT NULL
