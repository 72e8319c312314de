"""Where everything stands in the arrays that the cost of a step is computed from, and in what it gives."""

# The batch: int64, what every decoding sequence adds up to, and how many chunks of prefill there are.
DECODES = 0  # sequences with one new token
CONTEXT = 1  # tokens of context of all of them, without the new ones
LONGEST = 2  # of the one with most
CHUNKS = 3  # sequences with more than one new token
SAMPLED = 4  # sequences of which the logits are computed
BATCH = 5

# What a step gives: float64; times in picoseconds, sizes in bytes of one rank.
TIME = 0
COMPUTE = 1  # the time if the near tier had no end of bandwidth
MEMORY = 2  # the time of the near tier's bytes alone, at the rates that the kernels reach
LINK = 3  # of the time, what goes by between ranks
FLOPS = 4
WEIGHTS = 5  # read from the near tier
KV_READ = 6  # and fixed states
KV_WRITTEN = 7
ACTIVATIONS_READ = 8  # what passes the near tier, not what the L2 serves
ACTIVATIONS_WRITTEN = 9
LINK_BYTES = 10  # sent by each rank
OUT = 11

# The unit and the model: float64. Times in picoseconds, rates in picoseconds per byte or per FLOP.
L2 = 0  # bytes
STEP = 1  # between two steps
WEIGHTS_IN_L2 = 2  # share of all weights that stays in the L2 from step to step
WEIGHT_L2_BYTE = 3
LINEAR = 4  # and so on: the first of each group, the others below
DECODE = 11
PREFILL = 17
MIXED = 24
ELEMENT = 27
SAMPLING = 30
RANKS = 32  # of the tensor-parallel group
REDUCES = 33  # sums over the ranks in a step
REDUCE_BYTES = 34  # of all of them, per token
GATHER_BYTES = 35  # per sampled sequence
LINK_LATENCY = 36
LINK_BYTE = 37
EXPERTS = 38
EXPERTS_ACTIVE = 39
MATRICES = 40  # rows of the table of matrices
MIXERS = 41  # rows of the table of mixers
PASSES = 42  # rows of the table of elementwise kernels
OTHER_WEIGHTS = 43  # bytes read beside the matrices
LOGITS_BYTES = 44  # of one sequence
TABLES = 45  # where the tables begin

# in LINEAR
OVERHEAD, BYTE, WIDE_BYTE, FLOP, ROWS, SHARPNESS, DEPTH = range(7)
# in DECODE: OVERHEAD and BYTE as in LINEAR, then
L2_OVERHEAD, L2_BYTE, SEQUENCE, DECODE_SHARPNESS = range(2, 6)
# in PREFILL: OVERHEAD, then
PREFILL_FLOP, PREFILL_ROWS, BLOCK, LANES, PREFILL_SHARPNESS, PASS_BYTE = range(1, 7)
# in MIXED
MIXED_ROWS, EMPTY, REUSE = range(3)
# in ELEMENT: OVERHEAD and BYTE, then
ELEMENT_L2_BYTE = 2
# in SAMPLING: OVERHEAD, then
SAMPLING_PASSES = 1

# a row of the table of matrices
M_LAYERS, M_TOKENS, M_ROWS, M_COLUMNS, M_BYTES = range(5)
MATRIX = 5
# a row of the table of mixers
X_LAYERS, X_WINDOW, X_HEADS, X_KV_HEADS, X_PAIR, X_DECODE_PAIR, X_EXPAND, X_TOKEN, X_KV, X_STATE = range(10)
MIXER = 10
# a row of the table of elementwise kernels
E_COUNT, E_READ, E_WRITTEN = range(3)
PASS = 3

ACTIVATION = 2  # bytes of a number between two kernels
NARROW = 16  # tokens up to which a product is called narrow
