"""A local AWS to develop against, and the deployment of the stack to it or to an AWS account."""

import os


def _bypass_proxies_on_this_machine() -> None:
    """A proxy for the outside world must not come between these tools and a server on this machine."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    bypassed = ",".join(filter(None, [known, "localhost", "127.0.0.1"]))
    os.environ.update(no_proxy=bypassed, NO_PROXY=bypassed)


_bypass_proxies_on_this_machine()
