"""`python -m weightlab`: the command, wherever it is not on the path."""

from weightlab.cli import main

if __name__ == "__main__":
    main()
