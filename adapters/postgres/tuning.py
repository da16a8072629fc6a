"""How the embedded server is tuned: written anew before each start, from the machine it starts on.

Durability is never given away: `fsync`, `full_page_writes` and `synchronous_commit` stay on.
"""

import os
import shutil
from pathlib import Path

MEGABYTE = 1 << 20
SHARED_BUFFERS_MB_MAX = 2_048
SHARED_BUFFERS_MB_MIN = 32
WAL_MB_MAX = 8_192
WAL_MB_MIN = 512
CONNECTIONS_MAX = 100
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes() -> int:
    """The memory that this process may use: the machine's, or the container's if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in CONTAINER_LIMITS:
        try:
            text = limit.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            memory = min(memory, int(text))
    return memory


def configuration(data: Path, *, lz4: bool) -> str:
    """The settings, as a PostgreSQL configuration file."""
    shared_mb = max(SHARED_BUFFERS_MB_MIN, min(SHARED_BUFFERS_MB_MAX, memory_bytes() // MEGABYTE // 4))
    free_mb = shutil.disk_usage(data).free // MEGABYTE
    wal_mb = max(WAL_MB_MIN, min(WAL_MB_MAX, free_mb // 4))
    settings = {
        "shared_buffers": f"{shared_mb}MB",
        "max_connections": CONNECTIONS_MAX,
        # Checkpoints far apart: after each, the first change of a page writes the whole page to the log.
        "max_wal_size": f"{wal_mb}MB",
        "min_wal_size": f"{wal_mb // 8}MB",
        "checkpoint_timeout": "30min",
        "checkpoint_completion_target": 0.9,
        "wal_buffers": f"{min(64, shared_mb // 4)}MB",
        "wal_compression": "lz4" if lz4 else "off",
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        # Short statements over prepared plans: compiling them costs more than it saves.
        "jit": "off",
        "random_page_cost": 1.1,
        "maintenance_work_mem": f"{max(64, shared_mb // 8)}MB",
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_cost_limit": 1000,
        "timezone": "'UTC'",
        "listen_addresses": "''",
        # Logs hold no values: no statements, no parameters, no details of violated constraints.
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": 0,
        # A week of logs, then over again from the first.
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_truncate_on_rotation": "on",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["# Written anew before each start; ALTER SYSTEM overrides it.", *lines, ""])
