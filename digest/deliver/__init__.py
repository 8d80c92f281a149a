"""Hands finished messages over: to an SMTP relay or a folder, and judges the replies."""
