"""The demo: emulator, relay and shop as three processes of their own, as anybody could start them by hand.

`plan` says which commands with which settings, `processes` runs them, `offer` knows the click streams at hand.
"""
