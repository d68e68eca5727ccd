"""LocalStack on 127.0.0.1 alone.

It takes the port of `GATEWAY_LISTEN` and leaves out the address, so it would answer on every network of this machine;
and whoever reaches it runs code here.
"""

import functools

from localstack.runtime import hooks

HOST = "127.0.0.1"


@hooks.on_infra_start()
def listen_on_loopback_only():
    from twisted.internet import endpoints

    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface=HOST)
