"""What our HTTP servers share: limits on requests, and how they are served."""
