-- late: each token that reached its coalesce after its barrier was resolved: its visit there, and its fate.
-- Of the rows. Key: run, token
SELECT v.run, v.token, v.node, v.status, f.outcome, f.reason, v.tx, f.tx AS fate_tx
FROM trail_visits AS v JOIN debts AS d ON d.run = v.run AND d.token = v.token AND d.coalesce = v.node
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
LEFT JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.opened > b.seq
