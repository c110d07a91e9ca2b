"""Apache Airflow, its trigger rules."""
