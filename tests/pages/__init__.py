"""Every page of an installation with two days of the demo's listings: shown, and looked at."""
