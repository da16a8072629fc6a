"""Compiles the extension modules; everything else is in pyproject.toml.

`CEXT_CHECKED=1` builds them with C assertions and little optimisation, for the fuzz suite.
`CEXT_SANITIZE=address` adds AddressSanitizer (run Python with its runtime preloaded: tests/sanitize.sh does;
see CONTRIBUTING.md). Build either into a folder of its own (`build_ext --build-lib build/checked --build-temp
build/checked-objects`): setuptools compares file times, not flags.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("CEXT_CHECKED") == "1"
SANITIZE = os.environ.get("CEXT_SANITIZE", "")

COMPILE_ARGS = ["-O1", "-g", "-UNDEBUG"] if CHECKED or SANITIZE else ["-O3"]
LINK_ARGS: list[str] = []
if SANITIZE:
    COMPILE_ARGS += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    LINK_ARGS += [f"-fsanitize={SANITIZE}"]

MODULES = [
    "_admission",
    "_deciding",
    "_framing",
    "_iso8583",
    "_kernel",
    "_kernel_records",
    "_marks",
    "_pgarray",
    "_pgrows",
    "_replay",
    "_reply",
    "_telling",
    "_transaction",
]

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"cext.{name}",
                [f"cext/{name}.pyx"],
                extra_compile_args=COMPILE_ARGS,
                extra_link_args=LINK_ARGS,
            )
            for name in MODULES
        ],
        compiler_directives={"language_level": 3, "boundscheck": True, "wraparound": False},
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
