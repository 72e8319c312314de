"""What a user calls: open or make a trace, replay it through a cache, load a scenario and run it.

Nothing here prints; a mistake is a `HiersimError`. The names are re-exported by `hiersim` itself.
"""
