class Failure(Exception):
    """What a test was about did not happen."""
