"""One HTML file in which a person steps a pipeline, a counterexample or a recorded row through the law.

`tables.py` asks the law about every state, `lines.py` makes a case or a recorded row a line of steps, `page.py` writes the
file, `page.js` draws it. Not here: any rule. The page only looks up what the law answered.
"""
