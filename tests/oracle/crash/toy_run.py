"""A run of nobody's engine on SQLite that can be cut off at each commit: three tokens are made, worked on, and the run ends.

python toy_run.py [MISTAKE]
"""

import sqlite3
import sys
from pathlib import Path

MISTAKE = sys.argv[1] if len(sys.argv) > 1 else ""
VIEWS = """
-- Adapter: toy
CREATE VIEW trail_runs AS
SELECT 'run' AS run, CASE WHEN over THEN 'completed' ELSE 'running' END AS status, CASE WHEN over THEN 3 END AS rows
FROM state;
CREATE VIEW trail_rows AS SELECT DISTINCT 'run' AS run, nr AS "row", 'source' AS source, nr AS idx FROM tokens;
CREATE VIEW trail_tokens AS SELECT 'run' AS run, nr AS "row", id AS token FROM tokens;
CREATE VIEW trail_outcomes AS SELECT 'run' AS run, id AS token, 'completed' AS outcome FROM tokens WHERE done;
"""


def main() -> None:
    file = Path("toy.db")
    conn = sqlite3.connect(file)
    resumed = conn.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None
    if not resumed:
        conn.executescript(
            "BEGIN; CREATE TABLE state (over); INSERT INTO state VALUES (0);"
            "CREATE TABLE tokens (id INTEGER PRIMARY KEY, nr, done); COMMIT"
        )
    for nr in range(3):
        known = conn.execute("SELECT 1 FROM tokens WHERE nr = ?", (nr,)).fetchone() is not None
        if not known or (resumed and MISTAKE == "makes them again"):
            conn.execute("INSERT INTO tokens (nr, done) VALUES (?, 0)", (nr,))
            conn.commit()
    for token, nr in conn.execute("SELECT id, nr FROM tokens WHERE NOT done ORDER BY id").fetchall():
        if resumed and MISTAKE == "forgets what was cut off":
            break
        if MISTAKE == "writes before it commits":
            with Path("effects.txt").open("a") as effects:
                effects.write(f"{nr}\n")
        conn.execute("UPDATE tokens SET done = 1 WHERE id = ?", (token,))
        conn.commit()
    with conn:
        conn.execute("UPDATE state SET over = 1")
    conn.close()


if __name__ == "__main__":
    main()
