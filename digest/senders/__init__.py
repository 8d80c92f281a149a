"""Processes beside ours that write messages and send them, so that a run uses every core.

They only read the database: claims and records stay with the one process that owns them.
One that dies takes nothing with it but what it was sending, which nobody can know then.
"""
