"""The core: one clock, a compiled event loop, transfers as flows, and the accounting of every picosecond."""
