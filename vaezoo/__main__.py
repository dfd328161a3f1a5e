"""``python -m vaezoo``."""

from vaezoo.cli import main

if __name__ == "__main__":
    main()
