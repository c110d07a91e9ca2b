-- links: each lineage link with both of its tokens; the columns of the parent are NULL if the row of the child has no such token.
-- Of the rows. Key: run, parent; run, child
SELECT p.run, p.child, p.parent, p.ordinal, c."row", c.branch, c.group_kind, c."group", c.seq, c.tx,
    q.seq AS parent_seq, q.group_kind AS parent_kind, q."group" AS parent_group, q.branch AS parent_branch, c.token AS child_known, q.token AS parent_known
FROM trail_parents AS p
LEFT JOIN trail_tokens AS c ON c.run = p.run AND c.token = p.child
LEFT JOIN trail_tokens AS q ON q.run = p.run AND q.token = p.parent AND q."row" = c."row"
