"""What the twin is: events, images, components and state, without any input or output."""

import os

# Results of matrix products differ in their last bits with the number of threads (law 5), and
# products as small as ours are ten times slower when threads wait for each other. BLAS reads this
# when NumPy is imported, so it stands before any of our modules can do that.
for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_variable] = "1"
