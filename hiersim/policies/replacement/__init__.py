"""Replacement policies, one file each; `hiersim.policies` has the contract and the table."""
