-- A returned row is a token to which something happened after its fate.
-- Asked of: fates
SELECT f.run, f.token, v.node, 'is ' || f.outcome || ', and begins a visit of ' || v.node || ' afterwards' AS said
FROM fates AS f JOIN trail_visits AS v ON v.run = f.run AND v.token = f.token
WHERE v.opened > f.seq
UNION ALL
SELECT f.run, f.token, h.dst, 'is ' || f.outcome || ', and goes on to ' || h.dst || ' afterwards'
FROM fates AS f JOIN trail_hops AS h ON h.run = f.run AND h.token = f.token
WHERE h.seq > f.seq
UNION ALL
SELECT f.run, f.token, NULL, 'is ' || f.outcome || ', and joins batch ' || m.batch || ' afterwards'
FROM fates AS f JOIN trail_members AS m ON m.run = f.run AND m.token = f.token
WHERE m.seq > f.seq
UNION ALL
SELECT f.run, f.token, NULL, 'is ' || f.outcome || ', and is buffered afterwards'
FROM fates AS f JOIN trail_outcomes AS o ON o.run = f.run AND o.token = f.token AND o.outcome = 'buffered'
WHERE o.seq > f.seq
