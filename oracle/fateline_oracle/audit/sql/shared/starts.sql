-- starts: each token's first hop: the edge by which it left what made it.
-- Of the rows. Key: run, token
SELECT run, token, src, label, dst, seq, tx FROM trail_hops WHERE from_visit IS NULL
