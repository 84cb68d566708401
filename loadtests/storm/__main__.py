"""`python -m loadtests.storm`."""

from loadtests.storm.run import main

if __name__ == "__main__":
    main()
