"""Block Kit and message text, checked as Slack checks them."""
