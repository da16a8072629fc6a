"""The switch as tills see it: a process of its own, real sockets, a real PostgreSQL."""
