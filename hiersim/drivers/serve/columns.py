"""Names of the columns of the serving driver's tables; times are picoseconds, sizes bytes, -1 means none."""

from __future__ import annotations

# --- what a request is doing ------------------------------------------------------------------------------------------
NONE = -1
TO_COME, WAITING, FETCHING, RUNNING, MOVING, DONE, REJECTED = 0, 1, 2, 3, 4, 5, 6
# where the time of a request goes: waiting its turn, for its blocks, computing its prompt, its answer, after a
# preemption, for its cache to move to another unit or back
W_QUEUE, W_FETCH, W_PREFILL, W_DECODE, W_PREEMPTED, W_MOVE, WAITS = 0, 1, 2, 3, 4, 5, 6

# --- requests ---------------------------------------------------------------------------------------------------------
(
    Q_ARRIVE,  # when it is there; unknown (-1) while it waits for another's answer
    Q_PROMPT,  # tokens
    Q_OUTPUT,
    Q_BLOCKS,  # prompt blocks that can be shared: full ones, the last token's not among them
    Q_CHILD,  # the first request that comes after its answer
    Q_SIBLING,  # the next one of those
    Q_THINK,  # time between the other's answer and its arrival
    Q_GUESS,  # output tokens that the scheduler expects
    Q_USER,
    Q_STATE,
    Q_ENGINE,
    Q_AT,  # tokens before this one are computed, reused or remembered
    Q_GENERATED,
    Q_BYTES,  # of its own in the near tier, besides the blocks that it shares
    Q_HELD,  # blocks that it holds
    Q_PUBLISHED,  # leading blocks of its prompt that were offered to others
    Q_PENDING,  # blocks on their way to it
    Q_REMEMBERED,  # bytes of its own that are left from before it was preempted
    Q_STEP,  # tokens in the present step
    Q_KEY,  # its place in the queue
    Q_SINCE,  # since when it does what it does
    Q_WAITS,  # what that is, W_QUEUE ...
    Q_FIRST,  # when its first token came
    Q_LAST,
    Q_STARTED,  # when it was first scheduled
    Q_PREEMPTIONS,
    Q_REUSED,  # tokens not computed because their KV was there
    Q_COMPUTED,  # tokens computed, again after a preemption
    Q_ROW,  # its row among what is outstanding at its unit, while its cache moves
    Q_COPIED,  # leading blocks of its prompt whose copies were started
    Q_SKIP,  # reused blocks that its computation has still to pass over
    Q_SWAPPED,  # bytes of its own in the next tier, or at the engine that it moves to
    QUERY_COLUMNS,
) = range(33)
QUERY_COLUMNS = 32

# --- engines: units that serve ----------------------------------------------------------------------------------------
(
    E_UNIT,
    E_TIER,  # its near tier
    E_ROLE,  # BOTH, PREFILL, DECODE
    E_PEER,  # the engine that decodes what it prefills
    E_RUNNING,  # how many requests run
    E_QUEUE,  # how many wait
    E_BUSY,  # 1 while a step is under way
    E_LATE,  # blocks on their way to requests of the step
    E_JOB,  # its operation
    E_TAIL,  # picoseconds of the last layer, which follows the last block
    E_COUNT,  # requests in the step
    E_LINE_HEAD,  # of the line of remembered caches
    E_LINE_TAIL,
    E_SWAP,  # bytes of preempted requests on their way out
    E_STEPS,
    E_TOKENS,
    E_SLOWED,  # steps in which some request found no room
    E_FORMING,  # 1 while a step is formed
    E_BUDGET,  # tokens that it can still take
    E_PREEMPTED,  # 1 when it preempted somebody
    E_WAITER,  # the row that stands for waiting for room
    E_ENCODED,  # objects that had left its near tier when their coding was last charged
    E_COPIED,  # copies of its blocks that were started
    E_EXTENT,  # the request whose room is first in the pool, where rooms are one piece
    ENGINE_COLUMNS,
) = range(25)
ENGINE_COLUMNS = 32
BOTH, PREFILL_ONLY, DECODE_ONLY = 0, 1, 2

# --- scalars ----------------------------------------------------------------------------------------------------------
(
    K_NEXT,  # the next request of the trace by time
    K_HEAP,  # requests in the heap of those to come
    K_WAKE,  # 1 when a step may be formed at the end of the instant; FORMED, or one more, when a scheduler has done so
    K_FRONT,  # how often a request was put before all others
    K_OPEN,  # requests not yet done or rejected
    K_SAMPLES,  # rows of the samples
    K_STRIDE,  # steps between two samples
    K_GROW,  # 1 when tables must grow before a step can be formed
    K_COLUMNS,
) = range(9)
K_COLUMNS = 16
FORMED = 2
DECIDE = 6  # why a run comes back to Python, beside the core's reasons: a scheduler has to decide

# --- settings ---------------------------------------------------------------------------------------------------------
(
    C_TOKENS,  # most tokens in a step
    C_SEQUENCES,  # most requests in a step
    C_CHUNKED,  # 1: a prompt may be computed over several steps
    C_PAGE,  # tokens of a page
    C_PAGE_BYTES,
    C_WINDOW,  # tokens that window layers keep
    C_WINDOW_BYTES,  # bytes of a page of the window layers
    C_STATE_BYTES,  # fixed bytes of a sequence
    C_BLOCK,  # tokens of a shared block, 0 where nothing is shared
    C_BLOCK_BYTES,
    C_WHOLE,  # 1: a request is admitted when its whole prompt has room
    C_RESERVE,  # bytes kept free when a request is admitted while others run
    C_REMEMBER,  # 1: what a preempted request had is reused as far as it is still there
    C_LAYERED,  # 1: a request computes while its blocks arrive
    C_CHEAPER,  # 1: a block is fetched only if that is faster than to compute it
    C_ANYWHERE,  # 1: a block is of use wherever it stands in a prompt
    C_SWAP,  # 1: a preempted request's bytes move to the next tier
    C_ALLOCATE,  # PAGED, RESERVED, MAPPED
    C_MAP_BYTES,  # bytes of a mapped page
    C_MAP_BUFFERS,  # buffers that are mapped by themselves: keys and values of each layer
    C_MAP_TOKEN_BYTES,  # bytes of a token in one of them
    C_LONGEST,  # most tokens of a request
    C_LAYERS,
    C_KIND,  # the object that stands for KV that is nobody's block
    C_BACKWARD,  # 1: a request lets go of its last block first
    C_FAIR,  # steps after which a running request may have to make way, 0 for never
    C_SHARE,  # thousandths of a reused block that are computed again
    C_ASKED,  # 1: a scheduler in Python is asked who computes what in a step
    SETTINGS,
) = range(29)
SETTINGS = 32
PAGED, RESERVED, MAPPED, CONTIGUOUS = 0, 1, 2, 3

# --- rooms that are one piece -----------------------------------------------------------------------------------------
X_START, X_SIZE, X_AFTER, X_BEFORE, EXTENT_COLUMNS = 0, 1, 2, 3, 4  # bytes, bytes, neighbours by place

# --- samples over time ------------------------------------------------------------------------------------------------
S_TIME, S_ENGINE, S_RUNNING, S_QUEUED, S_USED, S_HELD_BYTES, S_NEEDED_BYTES, SAMPLE_COLUMNS = 0, 1, 2, 3, 4, 5, 6, 8
MOST_SAMPLES = 4096
FREE, REUSED, SHARED = 0, 1, 2  # of a request's block: not there, there when it came, computed and offered to others
