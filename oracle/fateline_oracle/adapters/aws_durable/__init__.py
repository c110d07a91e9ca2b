"""AWS Durable Execution SDK for Python, in its testing package."""
