"""`python -m adapters.cli` is `loyalty-switch`."""

from adapters.cli import main

if __name__ == "__main__":
    main()
