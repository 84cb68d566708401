"""Time from tap to first picture, over the test link: `python -m loadtests.join`."""
