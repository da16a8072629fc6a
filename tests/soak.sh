#!/usr/bin/env bash
# A switch on a database of its own, flooded for SOAK_S seconds; then it drains, and the audit must find nothing.
# Prints the worker's memory at the beginning and at the end. `make soak` calls this with BIN, the environment's programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BIN=${BIN:-.venv/bin}
SOAK_S=${SOAK_S:-600}
CARDS=${CARDS:-100000}
PORT=${PORT:-18583}
# Below /tmp parents may be closed to others; as root PostgreSQL runs as a user of its own.
place=$(mktemp -d /var/tmp/loyalty-soak-XXXXXX)
chmod 755 "$place"
switch=
finish() {
    if [ -n "$switch" ]; then kill "$switch" 2>/dev/null || true; wait "$switch" || true; fi
    rm -rf "$place"
}
trap finish EXIT
unset DATABASE_URL LOYALTY_DATABASE
export LOYALTY_DATA_DIR="$place/data"

loyalty_switch() { "$BIN/python" -m adapters.cli "$@"; }
resident_mb() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$switch/status"; }

loyalty_switch migrate
loyalty_switch load examples/bazaar
loyalty_switch seed --cards "$CARDS" --terminals 200
"$BIN/python" -m adapters.cli serve --listen "127.0.0.1:$PORT" --metrics "127.0.0.1:$((PORT + 1))" >"$place/switch.log" 2>&1 &
switch=$!
for _ in $(seq 100); do
    if loyalty_switch send echo --port "$PORT" --timeout 1 >/dev/null 2>&1; then break; fi
    kill -0 "$switch" || { cat "$place/switch.log"; exit 1; }
    sleep 0.2
done
before=$(resident_mb)
"$BIN/python" -m loadtests.flood --port "$PORT" --cards "$CARDS" --duration "$SOAK_S"
after=$(resident_mb)
kill -TERM "$switch"
wait "$switch"
switch=
loyalty_switch audit
printf 'rss_mb_before: %s\nrss_mb_after: %s\n' "$before" "$after"
