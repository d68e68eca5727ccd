"""Uses the registry of the process `outside` as the public client of Consul in PyPI does.

`pip install py-consul`, then `python tests/outside/py_consul.py target/debug/outside`. What our own client relies on
has to hold for a stranger's, too.
"""

import subprocess
import sys
import threading

import consul


def main(program: str) -> None:
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        host, port = process.stdout.readline().strip().rsplit(":", 1)
        use(consul.Consul(host=host, port=int(port)))
    finally:
        process.stdin.close()
        process.wait()
    print("py-consul finds what it registered, waits for changes, and sees health")


def use(client: consul.Consul) -> None:
    client.agent.service.register("prices", service_id="prices-1", address="10.0.0.1", port=8081, tags=["v1"])
    index, found = client.health.service("prices")
    assert [entry["Service"]["Port"] for entry in found] == [8081], found

    later = threading.Timer(0.2, lambda: client.agent.service.register("prices", service_id="prices-2", port=8082))
    later.start()
    changed, found = client.health.service("prices", index=index, wait="30s")
    assert int(changed) > int(index) and len(found) == 2, (index, changed, found)
    assert {entry["Service"]["Address"] for entry in found} == {"10.0.0.1", ""}, found

    unchanged, found = client.health.service("prices", index=changed, wait="1s")
    assert (unchanged, len(found)) == (changed, 2), "the wait ends without a change"

    client.agent.check.ttl_fail("service:prices-1")
    _, passing = client.health.service("prices", passing=True)
    assert [entry["Service"]["ID"] for entry in passing] == ["prices-2"], passing

    client.agent.service.deregister("prices-1")
    _, found = client.health.service("prices")
    assert len(found) == 1, found


if __name__ == "__main__":
    main(sys.argv[1])
