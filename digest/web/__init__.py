"""The public pages: sign-up, preferences, archive, feeds, API; and the server they run in."""
