"""Apache Kafka with a listener that is reached through a cable alone, beside the usual one."""

from pathlib import Path

from benchmarks.real_servers import RealServers
from services.embedded.programs import HOST, Server, choose_ports
from services.faults.proxy import Cable

_MORE = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TWIN:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""


class CabledServers(RealServers):
    """Clients that come by the cable are told to come back by it: Kafka advertises its port.

    Parameters:
        cable: to Kafka; where it leads is set here.
    """

    def __init__(self, folder: Path, cable: Cable) -> None:
        super().__init__(folder)
        self._cable = cable

    def _kafka(self, port: int) -> Server:
        server = super()._kafka(port)
        if self._cable.target is None:
            self._cable.target = HOST, choose_ports({"twin": None})["twin"]
        properties = self.folder / "kafka" / "server.properties"
        behind = self._cable.target[1]
        lines = [
            _cabled(line, f"TWIN://{HOST}:", behind, self._cable.port)
            for line in properties.read_text().splitlines()
        ]
        properties.write_text("\n".join(lines) + _MORE)
        return server


def _cabled(line: str, where: str, behind: int, before: int) -> str:
    """Return a line of the properties, with the listener behind the cable."""
    ports = {"listeners": behind, "advertised.listeners": before}
    port = ports.get(line.partition("=")[0])
    return line if port is None else f"{line},{where}{port}"
