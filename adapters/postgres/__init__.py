"""PostgreSQL, the switch's only state: its schema, its embedded server, its reference data and its audit."""
