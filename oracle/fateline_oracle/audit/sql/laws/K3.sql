-- A returned row is a token that begins a visit with other data than it carries.
-- Asked of: visits
-- Needs: visits.digest_in, visits.digest_out, visits.opened
SELECT v.run, v.token, v.node, 'begins its visit of ' || v.node || ' with other data than it carries' AS said
FROM (
    SELECT v.run, v.token, v.node, v.opened, v.digest_in,
        lag(CASE WHEN v.status = 'completed' AND v.digest_out IS NOT NULL THEN v.digest_out ELSE v.digest_in END)
            OVER (PARTITION BY v.run, v.token ORDER BY v.opened, v.attempt) AS carries
    FROM trail_visits AS v
) AS v
WHERE v.carries <> v.digest_in
UNION ALL
SELECT v.run, v.token, v.node, 'begins its visit of ' || v.node || ' with other data than its row' AS said
FROM trail_tokens AS t JOIN trail_rows AS w ON w.run = t.run AND w."row" = t."row"
JOIN trail_visits AS v ON v.run = t.run AND v.token = t.token
WHERE t.group_kind IS NULL AND v.digest_in <> w.digest
    AND v.opened = (SELECT min(o.opened) FROM trail_visits AS o WHERE o.run = v.run AND o.token = v.token)
UNION ALL
SELECT v.run, v.token, v.node, 'begins its visit of ' || v.node || ' with other data than its fork had'
FROM links AS l
JOIN trail_visits AS v ON v.run = l.run AND v.token = l.child
JOIN trail_visits AS made ON made.run = l.run AND made.token = l.parent AND made.status = 'completed'
WHERE l.group_kind = 'fork' AND v.digest_in <> made.digest_out
    AND v.opened = (SELECT min(o.opened) FROM trail_visits AS o WHERE o.run = v.run AND o.token = v.token)
    AND made.opened = (SELECT max(o.opened) FROM trail_visits AS o WHERE o.run = made.run AND o.token = made.token)
