"""Whether the compiled modules are there: without them the switch does not start, rather than run slowly in silence."""

from importlib import import_module

MODULES = (
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
)


def require_compiled() -> None:
    """Raise ImportError, naming the module and what to do, if one of the extension modules is missing."""
    for name in MODULES:
        try:
            import_module(f"cext.{name}")
        except ImportError as fault:
            raise ImportError(
                f"cext.{name} is not compiled for this Python ({fault}). With a C compiler at hand run `make ready`, "
                "or install the package again. The switch does not run on the plain-Python reference."
            ) from fault
