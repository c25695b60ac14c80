"""The admin page: what administrators see and do in a browser, without any script."""
