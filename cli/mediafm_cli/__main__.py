"""`python -m mediafm_cli`, as torchrun starts it."""

from mediafm_cli.main import main

if __name__ == "__main__":
    main()
