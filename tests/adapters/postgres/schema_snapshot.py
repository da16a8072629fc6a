"""The schema as text: what two ways of making it are compared by, and what a reviewer reads as a diff."""

# ruff: noqa: E501  # a row of a table reads best as one line

from adapters.postgres.connecting import Connection

_QUERIES = {
    "table": """
        SELECT c.relname || CASE c.relkind WHEN 'p' THEN ' partitioned by ' || pg_get_partkeydef(c.oid) ELSE '' END
               || coalesce(' with ' || array_to_string(c.reloptions, ', '), '') || ' -- ' || coalesce(obj_description(c.oid), '')
          FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')""",
    "column": """
        SELECT c.relname || '.' || lpad(a.attnum::text, 2, '0') || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END
               || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
               || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
          FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
          LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
           AND NOT a.attisdropped AND NOT c.relispartition""",
    "constraint": """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "function": """
        SELECT p.oid::regprocedure || ' returns ' || pg_get_function_result(p.oid) || ' md5 ' || md5(p.prosrc)
               || ' -- ' || coalesce(obj_description(p.oid), '')
          FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace""",
    "domain": """
        SELECT t.typname || ' ' || format_type(t.typbasetype, t.typtypmod) || ' -- ' || coalesce(obj_description(t.oid), '')
          FROM pg_type AS t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'd'""",
    "type": """
        SELECT c.relname || ' -- ' || coalesce(obj_description(c.reltype), '')
          FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'c'""",
    "field": """
        SELECT c.relname || '.' || lpad(a.attnum::text, 2, '0') || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
          FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped""",
    "view": """
        SELECT c.relname || ' md5 ' || md5(pg_get_viewdef(c.oid))
          FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'""",
}


async def snapshot(opened: Connection) -> str:
    """Every table, column, constraint, index, function, domain, type and view, with its comment; one a line,
    sorted.
    """
    lines = []
    for kind, query in _QUERIES.items():
        lines += sorted(f"{kind} {row[0]}" for row in await opened.fetch(query))
    return "\n".join(lines) + "\n"
