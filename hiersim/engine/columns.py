"""Names of the columns of the core's tables, and of the small integers in them; the one place that numbers them.

A table is a two-dimensional ``int64`` array, one row per thing. Times are picoseconds, sizes bytes; -1 means none.
"""

from __future__ import annotations

# --- what may stand in a column -------------------------------------------------------------------------------------
NONE = -1
ABSENT, ARRIVING, RESIDENT, LEAVING = 0, 1, 2, 3  # of an object in a tier
DEMAND, WRITE_BACK, PREFETCH, CLASSES = 0, 1, 2, 3  # class of traffic
BACK, THROUGH, AROUND = 0, 1, 2  # write mode of a tier
DROPS, DEMOTES, RECOMPUTES = 0, 1, 2  # what a tier does with victims that need not move on
FIFO, FAIR, PRIORITY = 0, 1, 2  # waiting discipline of a hop
READ, WRITE = 0, 1  # direction of a tier's port; of a link FORWARD, BACKWARD
BANDWIDTH, OPERATIONS, DIES, CACHE, TURNAROUND, REQUESTS = 0, 1, 2, 3, 4, 5  # kind of a bound; REQUESTS: of a cost
ALONE, EITHER, EITHER_TOO, TOGETHER, TOGETHER_TOO = 0, 1, 2, 3, 4  # rule by which bounds hold; *_TOO: not the first

# kinds of jobs
FETCH, CREATE, ALLOCATE, EVICT, COPY, PREFETCHING, MIGRATE = 0, 1, 2, 3, 4, 5, 6  # transits
NEAR_READ, STREAM_READ, NEAR_WRITE, DIRECT_WRITE, COMPUTE = 7, 8, 9, 10, 11  # transfers that change no residency
CARRY, OPERATE = 12, 13  # what a driver submits: bytes over a route, an operation of a unit

# phases of a job
P_ROOM, P_SLOT, P_LATENCY, P_FLOW, P_IDLE = 0, 1, 2, 3, 4

# kinds of stall
S_ROOM, S_SLOT, S_LATENCY, S_BANDWIDTH, S_JOINED, STALL_KINDS = 0, 1, 2, 3, 4, 5
STALL_DETAILS = 4

# items of the heap, entries of the ready line: kind << SHIFT | number
SHIFT = 40
MASK = (1 << SHIFT) - 1
I_GROUP, I_LATENCY, I_LOOKUP, I_ISSUE = 0, 1, 2, 3
R_SLOT, R_ROOM, R_ASK, R_RESUME, R_HELD, R_OVER = 0, 1, 2, 3, 4, 5

# what ``advance`` returns
IDLE, LIMIT, GROW, WAKE, BROKEN, PAUSE = 0, 1, 2, 3, 4, 5

# --- clock: one row of scalars --------------------------------------------------------------------------------------
(
    NOW,  # simulated time
    SEQ,  # the next sequence number
    EVENTS,  # events handled
    DIRTY,  # 1 when rates must be set before time moves on
    SETTLE,  # 1 when room may have become free in this handler
    WAITING,  # jobs in all lines for room
    READY_HEAD,
    READY_TAIL,
    HEAP_SIZE,
    FREE_JOB,  # heads of the lists of free rows
    FREE_ACCESS,
    FREE_GROUP,
    JOBS_FREE,  # how many rows are free
    ACCESSES_FREE,
    GROUPS_FREE,
    GROUP_HEAD,  # active groups, by route, class and when they began
    GROUP_TAIL,
    CURSOR,  # open loop: the next access of the trace
    ISSUED,
    DONE,
    CREATED,
    CREATED_BYTES,
    WOKEN,  # 1 when a watch has fired
    JOURNAL_SIZE,
    TIMELINE_SIZE,
    VICTIMS_SIZE,
    BAD_TIER,  # where a policy offered a victim that is not there
    BAD_KEY,
    UNLAWFUL,  # transfers that ended too early: must stay 0
    CHANGE,  # when a hop next changes its state by itself
    JOINED,  # 1 when some bounds of the machine do not hold alone
    THROTTLED,  # 1 once an agent leaves a class less than all of a hop
    SETTLED,  # how often settle has run
    SORT,  # with a driver: the sort of work that waits, a row of ``waits``
    ACTIVE,  # active groups, one column per class
    ACTIVE_1,
    ACTIVE_2,
    SPANS_SIZE,
    LEVELS_SIZE,
    RESIDUES,  # 1 when something asks what the rates have left of the bounds
    SHAPES,  # how many shapes of operations have been entered
    CLOCK_COLUMNS,
) = range(42)

# --- jobs -----------------------------------------------------------------------------------------------------------
(
    J_KIND,
    J_OBJECT,
    J_SOURCE,  # tier
    J_TARGET,  # tier
    J_ACCESS,  # the access that owns it
    J_UNIT,  # the unit whose stream caused it
    J_STREAM,
    J_CLASS,
    J_ROUTE,  # the route of its transfer
    J_AMOUNT,  # bytes, or FLOPs of a computation
    J_SEQ,
    J_PHASE,
    J_COMPUTING,  # 1 while its transfer is a computation
    J_SLOT,  # how many of its route's slots it holds
    J_HOP,  # the hop in whose line it waits
    J_ORDER,  # when it joined that line
    J_CREATED,  # times of its transfer
    J_SLOTS,
    J_FLOW,
    J_GROUP,
    J_NEXT,  # neighbours in a group, a line for slots or a line for room
    J_PREV,
    J_JOIN_HEAD,  # accesses that wait for it
    J_JOIN_TAIL,
    J_UPDATE,  # 1 when the object is in the target tier already
    J_DIRTY,  # 1 when the copy that arrives is dirty
    J_PROMISED,  # 1 when its room counts as asked for already
    J_TAG,  # what the driver knows it by
    J_MEMORY,  # of an operation: 1 when the near tier limits it
    J_WITH,  # the next job of the same owner, as a driver chains them
    JOB_COLUMNS,
) = range(31)

# --- accesses in flight ---------------------------------------------------------------------------------------------
(
    A_INDEX,  # place in the trace
    A_OBJECT,
    A_WRITE,
    A_STREAM,
    A_UNIT,
    A_SEQ,
    A_ISSUE,
    A_JOB,  # the job that it waits for, its own or a joined one
    A_JOINED,
    A_COUNTED,  # COUNTED or COUNTED_USE once its first look-up has been counted
    A_LOOKING,  # 1 while its look-up time runs
    A_ARRIVED,  # the tier where the transit that it joined brought the object
    A_NEXT,  # neighbours among the unit's outstanding accesses, oldest first
    A_PREV,
    A_JOIN,  # the next one that joined the same transit
    A_LACKS,  # of what a driver acquires: LACKS when it is in no tier, PROMISED while room is set aside for it
    ACCESS_COLUMNS,
) = range(17)
LACKS, PROMISED = 1, 2  # of A_LACKS

# --- groups of flows ------------------------------------------------------------------------------------------------
(
    G_ROUTE,
    G_CLASS,
    G_FLOWS,
    G_ANCHOR,
    G_HEAD,  # its flows, least target first
    G_TAIL,
    G_NEXT,  # active groups, in order
    G_PREV,
    G_SIBLING,  # the next group of the same route and class
    G_BOUND,  # the bound that froze its rate
    G_PLACE,  # its place in the heap
    G_AMOUNT,  # bytes of the transfer that began it
    G_SHAPE,  # what tells its costs, beside the route: bytes where they matter, the number of an operation's shape
    GROUP_COLUMNS,
) = range(14)
# of the float64 table of groups; SLOWEST: picoseconds that a byte takes of the narrowest bound, alone on it
SERVED, RATE, TARGET_RATE, WEIGHT, SLOWEST, RATE_COLUMNS = 0, 1, 2, 3, 4, 8

# --- tiers ----------------------------------------------------------------------------------------------------------
(
    T_CAPACITY,
    T_USED,
    T_LEAVING,
    T_QUEUED,
    T_LINE_HEAD,  # jobs that wait for room
    T_LINE_TAIL,
    T_NEXT,
    T_EXCLUSIVE,
    T_WRITE,
    T_WAIT,  # 1 when an access awaits its write-through
    T_ON_EVICT,  # what becomes of victims: DROPS, DEMOTES or RECOMPUTES
    T_PROMOTE,  # 0 never, n: on the n-th hit
    T_REFUSE,
    T_LOOKUP,  # look-up time
    T_MANAGED,  # objects in its policy
    T_HITS,
    T_MERGED,
    T_MISSES,
    T_EVICTIONS,
    T_DROPPED,
    T_WRITTEN_BACK,
    T_LOST,
    T_REFUSED,
    T_PASSED,
    T_PLACED,
    T_REMOVED,
    T_PEAK,
    T_SINCE,  # when ``used`` last changed
    T_PORT,  # the hop of its read direction
    T_GATED,  # 1 when it has an admission policy, or its policy admits some alone
    T_DENIED,  # objects that these turned away
    T_PINNED,  # bytes of objects that are kept from eviction
    TIER_COLUMNS,
) = range(33)

# --- hops -----------------------------------------------------------------------------------------------------------
(
    H_LIMITED,
    H_FREE,  # free slots
    H_DISCIPLINE,
    H_HEAD,  # jobs that wait for a slot
    H_TAIL,
    H_GRAIN,  # granularity, bytes
    H_HELD,  # slots held, one column per class
    H_HELD_1,
    H_HELD_2,
    H_FLOWS,
    H_SINCE,  # when the first of the present flows began
    H_BUSY,
    H_WAITED,  # time that transfers waited for a slot
    H_LATENCY,  # time that transfers spent in its latency
    H_BOUND,  # its first bound, bandwidth
    H_PAYLOAD,  # bytes of a packet, 0 without packets
    H_REQUEST,  # bytes that one read request asks for
    H_PAGE,  # bytes of a page of NAND, 0 without dies
    H_UNIT,  # mapping unit
    H_ALIGNMENT,  # of writes
    H_BLOCK,  # bytes of an erase block, 0 when none is stated
    H_DIES,
    H_SENSE,  # time of a page read
    H_AHEAD,  # page reads of the transfers in their latencies
    H_LOADED,  # 1 when its latency grows with its load
    H_VISIT,  # bytes read from a row in one visit, 0 when activations are not counted
    H_ROW,  # bytes of a row
    H_BANKS,
    H_OPENED,  # rows opened
    HOP_COLUMNS,
) = range(30)

# Rows are padded to a power of two of words: the place of a row is a shift away, and rows share fewer cache lines.
JOB_COLUMNS, ACCESS_COLUMNS, GROUP_COLUMNS, TIER_COLUMNS, HOP_COLUMNS = 32, 16, 16, 32, 32

# packets of a hop, by direction: header of a packet, header of a request (0: none is made), hop of the other way
PK_HEADER, PK_ASK, PK_REVERSE, PACKET_COLUMNS = 0, 2, 4, 6

# loaded latency of a hop (float64)
L_RISE, L_MIXED, L_ASYMPTOTE, L_TURNAROUND, LOADED_COLUMNS = 0, 1, 2, 3, 4

# write caches (float64), and their bound and anchor (int64)
(
    C_LEVEL,  # bytes in it
    C_SLOPE,  # bytes per picosecond
    C_CAPACITY,
    C_COST,  # picoseconds per byte when it is full
    C_DRAIN,  # bytes per picosecond
    C_LOOSE,  # the budget of its bound while it has room
    CACHE_COLUMNS,
) = range(7)
CB_BOUND, CB_ANCHOR, CACHE_PLACES = 0, 1, 2

# --- admission: addresses of a tier's functions, and of their table of fields -----------------------------------------
ON_ACCESS, ADMIT, PREFER, GATE_FIELDS, GATE_COLUMNS = 0, 1, 2, 3, 4

# --- units ----------------------------------------------------------------------------------------------------------
(
    U_NEAR,
    U_HEAD,  # outstanding accesses, oldest first
    U_TAIL,
    U_COMPUTING,  # computations that flow
    U_PORT,  # near reads and writes that flow
    U_BUSY_COMPUTE,
    U_BUSY_NEAR,
    U_IDLE,
    U_OPERATING,  # operations that flow
    U_ACTIVE,  # time busy on the near tier for operations
    U_LOOKED,  # look-ups along its chain
    U_SPAN,  # its last span, when they are kept
    U_APART,  # 1 when some managed tier is not in its chain
    UNIT_COLUMNS,
) = range(14)

# --- routes ---------------------------------------------------------------------------------------------------------
(
    R_HOPS,
    R_BOUNDS,
    R_SLOTS,
    R_LATENCY,
    R_NEAR,
    R_COMPUTES,  # 1 when it is a unit's alone, for what is computed
    R_DONE,  # payload bytes carried
    R_SMOOTH,  # 1 when some of its bounds hold together
    R_TWICE,  # 1 when it is on a bound twice
    R_VARIES,  # 1 when a latency depends on what is on its hop
    R_SENSES,  # 1 when it reads pages of NAND
    R_LOADED,  # how many of its bounds are of hops whose latency grows with their load
    R_COUNTS,  # 1 when a hop counts more than bytes on the wire
    R_OPERATES,  # 1 when an operation flows on it
    R_SIZED,  # 1 when what a byte costs depends on the size of the transfer
    R_RANK,  # its place among routes by their hops
    ROUTE_COLUMNS,
) = range(17)

KNOWN_BITS = 2  # sizes of a route whose costs are remembered, as a power of two

# --- shapes of operations whose costs are remembered ------------------------------------------------------------------
SH_ROUTE, SH_DURATION, SH_READ, SH_WRITTEN, SH_NUMBER, SHAPE_COLUMNS = 0, 1, 2, 3, 4, 5  # SH_ROUTE: the route + 1
SHAPE_ROWS = 1 << 8  # a power of two

# --- rates that were set before -------------------------------------------------------------------------------------
MEMO_ROWS = 1 << 12  # a power of two; of replays 95 in 100 settings of rates are found again
MEMO_GROUPS = 10
MEMO_COLUMNS = 2 + 3 * MEMO_GROUPS

# --- streams --------------------------------------------------------------------------------------------------------
X_NEXT, X_END, X_UNIT, STREAM_COLUMNS = 0, 1, 2, 3

# --- prefetches into a tier, and its prefetcher -----------------------------------------------------------------------
(
    AH_HOOK,  # address of the prefetcher's function
    AH_FIELDS,  # address of its table of fields
    AH_LIMIT,  # prefetches that may be on their way at once, 0 without a prefetcher
    AH_AWAY,  # prefetches on their way
    AH_NAMED,
    AH_ISSUED,
    AH_DROPPED,
    AH_BYTES,  # of those that began
    AH_IN_TIME,
    AH_LATE,
    AH_UNUSED,
    AH_POLLUTION,
    AHEAD_COLUMNS,
) = range(13)
AHEAD_COLUMNS = 16
UNMARKED, EARLY, DISPLACED = 0, 1, 2  # mark of an object in a tier
COUNTED, COUNTED_USE = 1, 2  # A_COUNTED: its first look-up has been counted, and was the first use of a prefetch near

# the heard line: accesses that are done and not yet told to the prefetcher; then what it named
# HD_WRONG: what it named that cannot be, WRONG_KEY or WRONG_COUNT
HD_HEAD, HD_TAIL, HD_AT, HD_COUNT, HD_TIER, HD_WRONG, HEARING_COLUMNS = 0, 1, 2, 3, 4, 5, 6
WRONG_KEY, WRONG_COUNT = 1, 2

# --- watches, journal, timeline, victims ----------------------------------------------------------------------------
# W_REACHED: how long the journal was when the count was reached
W_KIND, W_TIER, W_EVERY, W_COUNT, W_ACTIVE, W_REACHED, WATCH_COLUMNS = 0, 1, 2, 3, 4, 5, 6
WATCH_DONE, WATCH_HIT, WATCH_MISS, WATCH_EVICT = 0, 1, 2, 3
WATCHES = 64
JOURNAL_COLUMNS = 5  # kind, time, object, tier, stream
TIMELINE_COLUMNS = 13  # created, slots, flow, done, object, bytes, route, class, kind, sequence number; of an
# operation FLOPs, bytes read from and written to its near tier
VICTIM_COLUMNS = 4  # time, tier, object, how
V_DROP, V_MOVE, V_LOST, V_REFUSED, V_DENIED = 0, 1, 2, 3, 4

# --- spans of units, room taken in tiers ------------------------------------------------------------------------------
(
    SP_UNIT,
    SP_START,
    SP_END,
    SP_STATE,  # a kind of stall, or one of the three below
    SP_PLACE,  # as in the table of stalls
    SP_DETAIL,
    SP_INDEX,  # place in the trace of the access that a stall is charged to; of a driver's, who wants the object
    SP_OBJECT,  # of that access
    SP_TRANSFER,  # sequence number of the transfer that this waits for
    SPAN_COLUMNS,
) = range(10)
S_COMPUTE, S_NEAR, S_IDLE = STALL_KINDS, STALL_KINDS + 1, STALL_KINDS + 2
LEVEL_COLUMNS = 3  # time, tier, bytes taken
