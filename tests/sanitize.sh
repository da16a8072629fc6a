#!/bin/sh
# Runs the tests of the extension modules, of the protocol and of the short cuts over a build with AddressSanitizer.
#
#   tests/sanitize.sh [pytest arguments]
#
# The build lies in build/sanitized, apart from the one in use. Python's own allocator is off, so that a read one byte
# behind a small object is seen too; leaks are not looked for, since the interpreter keeps much to its end.
# PYTHON names another interpreter than that of .venv.
set -eu

cd "$(dirname "$0")/.."
root=$(pwd)
python=${PYTHON:-$root/.venv/bin/python}
library=$root/build/sanitized
runtime=$(${CC:-gcc} -print-file-name=libasan.so)

CEXT_SANITIZE=address "$python" setup.py --quiet build_ext \
    --build-lib "$library" --build-temp "$root/build/sanitized-objects"

# The extensions need the plain part of their package beside them.
mkdir -p "$library/cext/reference"
cp cext/*.py "$library/cext/"
cp cext/reference/*.py "$library/cext/reference/"

export PYTHONPATH="$library:$root"
export LD_PRELOAD="$runtime"
# pytest holds what is written to standard error, and loses it when a finding ends the process: a file keeps it.
report=$root/build/sanitized-report
rm -f "$report".*
export ASAN_OPTIONS="detect_leaks=0:halt_on_error=1:log_path=$report:${ASAN_OPTIONS:-}"
export PYTHONMALLOC=malloc

# A run over the wrong build would prove nothing.
"$python" -P -c "
import sys
from cext import _admission, _framing, _iso8583, _pgrows
for module in (_admission, _framing, _iso8583, _pgrows):
    assert module.__file__.startswith('$library'), module.__file__
"
status=0
"$python" -P -m pytest --import-mode=append -p no:cacheprovider -p tests.short_properties tests/cext tests/protocol \
    tests/switch/test_authorise.py tests/switch/test_deciding.py "$@" || status=$?
for found in "$report".*; do
    [ -f "$found" ] && cat "$found" >&2 && status=1
done
exit "$status"
