"""SpiffWorkflow, its native joins."""
