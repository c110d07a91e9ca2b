-- A returned row is a visit that was cut off, and its token was not tried again there, or only after something else had happened.
-- Asked of: visits
SELECT v.run, v.token, v.node, 'was interrupted on attempt ' || v.attempt || ' at ' || v.node || ', is '
    || f.outcome || ', and no attempt followed' AS said
FROM trail_visits AS v JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status = 'interrupted' AND NOT EXISTS (
    SELECT 1 FROM trail_visits AS next
    WHERE next.run = v.run AND next.token = v.token AND next.node = v.node AND next.attempt > v.attempt)
UNION ALL
SELECT v.run, v.token, v.node, 'was interrupted at ' || v.node || ', closed at ' || v.closed || ', and opens its next attempt there at '
    || next.opened || ', after a token has met its fate'
FROM trail_visits AS v JOIN trail_visits AS next
    ON next.run = v.run AND next.token = v.token AND next.node = v.node AND next.attempt = v.attempt + 1
WHERE v.status = 'interrupted' AND EXISTS (
    SELECT 1 FROM fates AS f WHERE f.run = v.run AND f.seq > v.closed AND f.seq < next.opened)
