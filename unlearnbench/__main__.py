"""`python -m unlearnbench`."""

from unlearnbench.cli.main import main

if __name__ == "__main__":
    main()
