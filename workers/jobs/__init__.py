"""Long work as rows: leased, watched, paused, resumed, cancelled, and made again on a schedule."""
