"""Operator graphs on a scratchpad: orders, addresses, what stays and what is moved, and the optimum of small ones."""
