-- A returned row is a token of a joined branch whose barrier was never resolved, in a run that is over.
-- Asked of: forks of ended runs
SELECT d.run, d.token, d.coalesce AS node, 'owes branch ' || d.branch || ' of fork ' || d.fork_group || ' to ' || d.coalesce
    || ', whose barrier was never resolved, and the run is over' AS said
FROM debts AS d JOIN trail_runs AS r ON r.run = d.run AND r.status = 'completed'
LEFT JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE b.barrier IS NULL
