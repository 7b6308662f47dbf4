from test_mirror import *
from test_redis_mirror import *
