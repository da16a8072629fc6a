"""ISO 8583 without I/O: bytes in, messages out, and back. Nothing here opens a socket or waits."""
