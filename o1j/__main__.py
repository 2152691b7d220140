"""`python -m o1j` is `o1j`."""

from o1j.cli import main

if __name__ == "__main__":
    main()
