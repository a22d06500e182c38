"""Say in Slack what a webhook sent. Does nothing until KRAKENB_SLACK_URL is set.

To say less, ask for some messages alone: @on(collector="webhook", payload={"type": "env-*"}).
"""

from kraken_hooks import on, slack


@on(collector="webhook")
def slack_notify(msg):
    if slack.configured:
        slack.send(f"kind={msg.kind}, provider={msg.provider}, payload={msg.text}")
