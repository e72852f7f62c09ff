"""How a program lies in memory: the words of an operation, the run's counters and results.

An operation is a row of int64: addresses of blocks and buffers, sizes. A block is called with the row's address,
the rows of the tile, the batch's first row that the tile holds (losses: the rows of the whole batch), and the step.
"""

from __future__ import annotations

# Words of an operation.
FORWARD, BACKWARD, PREPARE = 0, 1, 2  # addresses of blocks, 0 for none
LAYER = 3
INPUTS, OUTPUTS = 4, 5
X, Y = 6, 7  # buffers: tile rows x inputs, tile rows x outputs
GX, GY = 8, 9  # their gradients; GX is 0 where nobody asks
P0, P1 = 10, 11  # parameters
G0, G1 = 12, 13  # their gradients
WORK = 14  # scratch memory of the operation
CONSTANTS = 15  # float32 numbers (optimizers: float64)
KEY = 16  # of the random stream
PRODUCT = 17  # address of the matrix product
ZEROS, ONE = 18, 19  # float32 zeros, as many as the widest buffer; a 1.0
SUMS = 20  # float64 sums of the batch (losses, metrics), the largest |w| (optimizers)
WORDS = 24

# Counters of a run, int64.
STEP, EPOCH, BATCH = 0, 1, 2
START, STOP = 3, 4  # the running batch: places in the shuffled order
ROW = 5  # rows of the running batch that are done; 0 between batches
SAMPLES = 6  # samples of the finished batches of the running epoch
SHUFFLED = 7  # the epoch that the order belongs to
TILES = 8  # tiles done by the last call
DIVERGED, PLACE = 9, 10  # kind of the trouble (0: none) and where: a tensor, an operation
BATCH_SIZE, SHORT = 11, 12
SEED = 13
BATCH_SAMPLES = 14  # of the last batch
CAREFUL = 15  # 1 once a number was so large that steps are checked after the fact
ALL_SAMPLES = 16
BORN = 17  # the step before which the optimizer's slots were empty
COUNTERS = 20

DROP, MERGE, KEEP = 0, 1, 2
BY_LOSS, BY_GRADIENT, BY_WEIGHTS = 1, 2, 3

# Sums of a batch or an epoch, float64: the loss, correct samples, then per output r^2, t, t^2.
LOSS_SUM, CORRECT, SQUARES = 0, 1, 2
