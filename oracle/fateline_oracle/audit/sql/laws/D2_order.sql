-- A returned row is a record whose place in the order cannot be its place.
-- Asked of: visits
SELECT run, token, node, 'closed its visit of ' || node || ' at ' || closed || ', and the record is of '
    || coalesce(seq, 'no place') AS said
FROM trail_visits WHERE closed IS NOT NULL AND seq IS DISTINCT FROM closed
UNION ALL
SELECT v.run, v.token, v.node, 'visits ' || v.node || ' before it is made'
FROM trail_visits AS v JOIN trail_tokens AS t ON t.run = v.run AND t.token = v.token WHERE v.opened < t.seq
UNION ALL
SELECT f.run, f.token, NULL, 'is ' || f.outcome || ' before it is made'
FROM fates AS f JOIN trail_tokens AS t ON t.run = f.run AND t.token = f.token WHERE f.seq < t.seq
UNION ALL
SELECT h.run, h.token, h.src, 'leaves ' || h.src || ' before it is made'
FROM trail_hops AS h JOIN trail_tokens AS t ON t.run = h.run AND t.token = h.token WHERE h.seq < t.seq
