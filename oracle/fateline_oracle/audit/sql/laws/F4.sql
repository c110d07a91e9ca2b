-- A returned row is an outcome that lacks a field it owes, or carries one that it must not.
-- Asked of: outcomes
-- Needs: outcomes
SELECT o.run, o.token, NULL AS node,
    CASE WHEN rule.outcome IS NULL THEN 'has an unknown outcome: ' || coalesce(o.outcome, 'none')
    ELSE 'is ' || o.outcome || ', which' ||
        CASE WHEN rule.sink = 'must' AND o.sink IS NULL THEN ' lacks its sink' ELSE '' END ||
        CASE WHEN rule.sink = 'never' AND o.sink IS NOT NULL THEN ' must not carry a sink' ELSE '' END ||
        CASE WHEN rule.error = 'must' AND o.error IS NULL THEN ' lacks its error' ELSE '' END ||
        CASE WHEN rule.error = 'never' AND o.error IS NOT NULL THEN ' must not carry an error' ELSE '' END ||
        CASE WHEN rule.reason = 'must' AND o.reason IS NULL THEN ' lacks its reason' ELSE '' END ||
        CASE WHEN rule.reason = 'never' AND o.reason IS NOT NULL THEN ' must not carry a reason' ELSE '' END ||
        CASE WHEN rule.batch = 'must' AND o.batch IS NULL THEN ' lacks its batch' ELSE '' END ||
        CASE WHEN rule.batch = 'never' AND o.batch IS NOT NULL THEN ' must not carry a batch' ELSE '' END ||
        CASE WHEN rule."group" = 'must' AND o."group" IS NULL THEN ' lacks its group' ELSE '' END ||
        CASE WHEN rule."group" = 'never' AND o."group" IS NOT NULL THEN ' must not carry a group' ELSE '' END ||
        CASE WHEN rule.promised = 'must' AND o.promised IS NULL THEN ' lacks its promise' ELSE '' END ||
        CASE WHEN rule.promised = 'never' AND o.promised IS NOT NULL THEN ' must not carry a promise' ELSE '' END
    END AS said
FROM trail_outcomes AS o LEFT JOIN outcome_rules AS rule ON rule.outcome = o.outcome
WHERE rule.outcome IS NULL
    OR (rule.sink = 'must' AND o.sink IS NULL) OR (rule.sink = 'never' AND o.sink IS NOT NULL)
    OR (rule.error = 'must' AND o.error IS NULL) OR (rule.error = 'never' AND o.error IS NOT NULL)
    OR (rule.reason = 'must' AND o.reason IS NULL) OR (rule.reason = 'never' AND o.reason IS NOT NULL)
    OR (rule.batch = 'must' AND o.batch IS NULL) OR (rule.batch = 'never' AND o.batch IS NOT NULL)
    OR (rule."group" = 'must' AND o."group" IS NULL) OR (rule."group" = 'never' AND o."group" IS NOT NULL)
    OR (rule.promised = 'must' AND o.promised IS NULL) OR (rule.promised = 'never' AND o.promised IS NOT NULL)
