"""How a program lies in memory: rows of int64 words that compiled code reads, addresses and sizes.

A block of a program is called with the address of its operation, the rows of the tile, and the address of the moment.
"""

from __future__ import annotations

# An operation.
FORWARD, BACKWARD, COMMIT = 0, 1, 2  # addresses of blocks, 0 for none; COMMIT is called once a step was taken
LAYER = 3
INPUTS, OUTPUTS, UNITS = 4, 5, 6  # numbers per sample; UNITS: outputs that share no parameter
X, Y = 7, 8  # buffers: tile rows x inputs, tile rows x outputs
GX, GY = 9, 10  # their gradients; GX is 0 where nobody asks
P0, P1, P2, P3 = 11, 12, 13, 14  # parameters
G0, G1, G2, G3 = 15, 16, 17, 18  # their gradients
WORK = 19  # scratch memory of the operation
CONSTANTS = 20  # float32 numbers (optimizers: float64)
KEY = 21  # of the random stream
PRODUCT = 22  # address of the matrix product, or of what else a block calls
ZEROS = 23  # float32 zeros, as many as the widest buffer
SUMS = 24  # float64 sums of the batch (losses, metrics), the largest |w| (optimizers)
GEOMETRY, PLAN = 25, 26  # whole numbers; what the block made of them
PART_FIRST, PART_ROWS = 27, 28  # of the tile: the rows that are its own
DEFERRED = 29  # 1: the gradient of its kernel is made when the step is taken
SKIP, GSKIP = 30, 31  # of a fork and where it ends: the value that was kept, its gradient
WORDS = 32
TILE_WIDE = ((X, INPUTS), (GX, INPUTS), (Y, OUTPUTS), (GY, OUTPUTS), (SKIP, OUTPUTS), (GSKIP, OUTPUTS))

# A lane: a share of the rows of every batch, with buffers and a gradient of its own, and its moment.
FIRST, SIZE, TIME, FRESH = 0, 1, 2, 3  # row of the tile in its batch, rows of the batch, step, 1: the first tile
ROWS = 4  # of the tile, 0 for none
OPERATIONS, TAIL = 5, 6  # tables of operations: the network's; loss and metric
X_TILE, T_TILE = 7, 8
GRADIENT, LANE_SUMS = 9, 10
BAD = 11  # 1 once the sum of losses is not finite
RENEW = 12  # 1: what was made of the weights is out of date
CALM = 13  # 1: no number of the gradient can be large
# The same row stands for a share of the vector while a step is taken.
SHARE_PIECES, SHARE_COUNT = 16, 17  # its pieces
SHARE_OPTIMIZER, SHARE_TOP = 18, 19  # the optimizer's operation; bits of the largest number of the gradient
SHARE_SCRATCH, SHARE_SUMS = 20, 21  # of a piece: memory for its gradient; float64 sums of |gradient|
LANE_WORDS = 24

# A piece of a share: numbers of the vector, their tensor, and the operation and rows of a deferred kernel (or -1).
PIECE_BEGIN, PIECE_END, PIECE_TENSOR, PIECE_OPERATION, PIECE_ROW, PIECE_ROWS = 0, 1, 2, 3, 4, 5
PIECE_WORDS = 6

# A run: counters that are kept in checkpoints, settings, results of a call, addresses.
STEP, EPOCH, BATCH = 0, 1, 2
START, STOP = 3, 4  # the running batch: places in the shuffled order
ROW = 5  # rows of the running batch that are done; 0 between batches
SAMPLES = 6  # samples of the finished batches of the running epoch
SHUFFLED = 7  # the epoch that the order belongs to
BATCH_SAMPLES = 8  # of the last batch
CAREFUL = 9  # 1 once a number was so large that steps are checked after the fact
ALL_SAMPLES = 10
BORN = 11  # the step before which the optimizer's slots were empty
COUNTERS = 12
BATCH_SIZE, SHORT, SEED = 12, 13, 14
TILES = 15  # rounds of tiles done by the last call
DIVERGED, BAD_ROWS, BAD_LANE = 16, 17, 18  # kind of the trouble (0: none); where a loss was: rows of the tile, lane
TILE_ROWS, LANES, LANE_TABLE = 20, 21, 22
COUNT = 23  # of operations
INPUT_WIDTH, OUTPUT_WIDTH = 24, 25
TRAIN_SAMPLES, TRAIN_X, TRAIN_T, ORDER = 26, 27, 28, 29
SUM_COUNT, EPOCH_SUMS, LAST_SUMS = 30, 31, 32
OPTIMIZER, TENSORS, TENSOR_COUNT, PENALTIES, NORMS = 33, 34, 35, 36, 37
VECTOR, TRAINABLE = 38, 39
SLOTS, SLOT_COUNT, BACKUP = 40, 41, 42
RUN_LANE, TAKE_STEP, SHUFFLE = 43, 44, 45  # addresses of kernels
CREW = 46  # of helping threads, 0 for none
STEP_SHARE, PHASES, RUN_TOGETHER, MEASURE_GRADIENT = 47, 48, 53, 54  # PHASES: what a share is to do
SHARES, USED_LANES, PENALIZED, MEASURE = 49, 50, 51, 52  # MEASURE: 1 where the sizes of gradients are wanted
DEFERS = 55  # 1: some operations are deferred
CALM_LANE, PENALIZE = 56, 57  # addresses of kernels that only some networks need
MARKED = 58  # 1: it is known where the call began, so that steps need no look at their gradients before
# What only some runs want.
PLAIN_STEP = 59  # address of the kernel that guidance is put around
RATE_KERNEL, RATE_CONSTANTS, RATE = 60, 61, 62  # of a rate that moves: its kernel, float64 numbers, where it goes
FROZEN, FROZEN_COUNT, FROZEN_KEPT = 63, 64, 65  # places in the vector that take no step; memory for their numbers
CLIP_NORM, CLIP_LIMITS, PENALIZE_FIRST = 66, 67, 68  # kernel; float64 value and norm; what is done before a clip
RUN_WORDS = 69

# A tensor: where it begins and ends in the vector, its layer.
TENSOR_WORDS = 3

DROP, MERGE, KEEP = 0, 1, 2
BY_LOSS, BY_GRADIENT, BY_WEIGHTS, UNSURE = 1, 2, 3, 4  # UNSURE: go back to the mark, and on with care
COLLECT, APPLY = 1, 2  # phases of a step: the gradient of a share is made; the optimizer uses it

# Sums of a batch or an epoch, float64: the loss, correct samples, then per output r^2, t, t^2.
LOSS_SUM, CORRECT, SQUARES = 0, 1, 2

# A crew: what the threads that help share. Words that several threads write lie in cache lines of their own.
UNCLAIMED, UNDONE, WAITING = 0, 8, 16  # lanes; 1 while the leader sleeps
JOB_RUN, JOB_KERNEL, JOB_TABLE = 24, 25, 26
QUIT, HELPERS = 28, 29
ACQUIRE, RELEASE, FINISHED = 30, 31, 32  # addresses of the lock functions; the lock that the leader waits for
HELPER_LOCKS = 40  # two words a helper: its lock, 1 where it was told
MOST_HELPERS = 15
CREW_WORDS = HELPER_LOCKS + 2 * MOST_HELPERS
