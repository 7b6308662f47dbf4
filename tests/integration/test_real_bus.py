from test_bus import *
from test_kafka_bus import *
