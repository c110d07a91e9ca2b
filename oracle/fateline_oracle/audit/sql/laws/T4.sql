-- A returned row is a token that goes to a sink because of an error, and no such edge leads there.
-- Asked of: hops
SELECT h.run, h.token, h.dst AS node, 'goes from ' || h.src || ' to ' || h.dst || ' because of an error, and no edge leads there' AS said
FROM trail_hops AS h
WHERE h.label = 'on_error' AND NOT EXISTS (
    SELECT 1 FROM trail_edges AS e WHERE e.run = h.run AND e.src = h.src AND e.label = h.label AND e.dst = h.dst)
