"""Apache Kafka's own jars, brought by Maven once and kept.

`python -m benchmarks.kafka_jars` brings them and prints where they are. It needs nothing but the
standard library, so that they can be brought while an environment is still being made.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from twin.errors import DependencyError

VERSION: Final = "4.1.0"  # as docker-compose.yml has it
VARIABLE: Final = "DERMTWIN_KAFKA_JARS"
# Coordinates alone: where they come from is the business of the machine's own Maven settings.
_COORDINATES: Final = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.kafka", "kafka-tools", VERSION),  # formats the folder
    ("org.slf4j", "slf4j-simple", "1.7.36"),  # or else a broker that fails does so without a word
)
_DEPENDENCY: Final = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)
_POM: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>dermtwin</groupId><artifactId>kafka-jars</artifactId><version>1</version>
<packaging>pom</packaging>
<dependencies>{}</dependencies>
</project>
"""
_FETCH_TIMEOUT_S: Final = 300.0  # 130 MB: assumption


def folder() -> Path:
    """Return where the jars are kept: `DERMTWIN_KAFKA_JARS`, or the user's cache."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path.home() / ".cache" / "dermtwin" / f"kafka-{VERSION}"


def kept() -> bool:
    """Return whether the jars are there."""
    return all((folder() / f"{name}-{version}.jar").is_file() for _, name, version in _COORDINATES)


def kafka_jars() -> Path:
    """Return the folder of the jars; bring them if they are not there.

    Raises:
        DependencyError: there is no Maven, or it failed.
    """
    place = folder()
    if kept():
        return place
    maven = shutil.which("mvn")
    if maven is None:
        raise DependencyError(
            f"Apache Kafka's jars are not in {place}, and there is no mvn to bring them: install "
            f"Maven (Debian: apt-get install maven), or name a folder that has them in {VARIABLE}"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place and renamed: whoever looks finds all jars or none.
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".kafka-") as made:
        pom = Path(made) / "pom.xml"
        pom.write_text(_POM.format("".join(_DEPENDENCY.format(*one) for one in _COORDINATES)))
        argv = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        argv += ["-DincludeScope=runtime", f"-DoutputDirectory={made}/jars"]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise DependencyError(f"Maven did not bring Kafka in {error.timeout:g} s") from error
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise DependencyError(f"Maven could not bring Apache Kafka {VERSION}: {said}")
        try:
            (Path(made) / "jars").rename(place)
        except OSError as error:
            if not kept():  # or else somebody else was faster
                raise DependencyError(f"{place}: {error.strerror}; is it in use?") from error
    return place


if __name__ == "__main__":
    try:
        print(kafka_jars())
    except DependencyError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
