"""Sources that Ken lists by itself, and the pass that brings their documents and permissions in."""
