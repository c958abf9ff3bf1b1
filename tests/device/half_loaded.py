"""A module that takes a while to load, for test_load.py; it is loaded as one of plexus's."""

import meeting

meeting.loading()

whole = True
