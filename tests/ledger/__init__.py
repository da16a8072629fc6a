"""The whole ledger against a plain model: real workers, a real PostgreSQL, and messages in any order."""
