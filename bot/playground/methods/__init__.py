"""The methods of Slack's Web API that Ken calls."""
