"""Names of the scalars and columns of a Program, and of the small integers in them."""

from __future__ import annotations

NONE = -1

# phases of an operation
QUEUED, ON_LINE, IN_TURN, ASKING, WORKING, WAITING, OVER = range(7)

# why the loop comes back, beside the reasons of the core's loop: more operations are wanted, an object is nowhere
MORE, LOST = 10, 11

# what is done with an operation that is taken from a line
CONSIDER, BEGIN, COPY = 0, 1, 2

# stages of what is done when settle has run
REST, LEAVE, GO_ON, AHEAD = 0, 1, 2, 3

# --- scalars --------------------------------------------------------------------------------------------------------
(
    BASE,  # place in the trace of the operation in row 0
    ROWS,  # rows filled
    COMPLETE,  # 1 when the last operation of the trace is in a row
    SHORT,  # streams with too few operations in rows
    LEAST,  # operations that a stream needs in rows
    LINE_HEAD,  # of the begin line
    LINE_TAIL,
    CURRENT,  # the operation that is being considered or begun
    MODE,  # how: CONSIDER, BEGIN, COPY
    AT,  # which of its uses is next
    SEEN,  # how often settle had run when the stages were last run
    STAGE,
    STAGE_AT,  # a stream
    WAITERS,  # operations in the waiting line
    LEAVERS,  # objects that ended and are in transit
    TURNS,  # operations in turn lines
    DONE,  # operations that are over
    ENDED_AT,  # when the last of them was, picoseconds
    LOST_BY,  # the operation whose object is nowhere
    LOST_OBJECT,
    LOOK,  # operations ahead of which inputs are prefetched
    SMOOTH,  # exponent of the smooth maximum, 0 for the plain one
    FUTURE,  # 1 when policies ask for the next use of objects
    STATE_COLUMNS,
) = range(24)

# --- streams --------------------------------------------------------------------------------------------------------
(
    S_HEAD,  # place of its first operation that is not over, -1 when there is none in a row
    S_UNIT,  # whose it is, -1 of those that only copy
    S_LEFT,  # operations of it in rows that are not over
    S_TAIL,  # place of its last operation in a row
    S_TURN,  # the next one in the turn line, a stream
    S_LOOK,  # place up to which it has looked ahead, -1 when nothing is left
    S_LOOK_AT,  # which of its reads is next, -1 when it has not been begun
    S_DISTANCE,  # operations between the head and that place
    S_AWAY,  # prefetches that it began and that are on their way
    S_CRITICAL,  # picoseconds: the longest chain up to its last operation that is over
    STREAM_COLUMNS,
) = range(11)
STREAM_COLUMNS = 16

# --- tiers ----------------------------------------------------------------------------------------------------------
TL_HEAD, TL_TAIL, TL_COLUMNS = 0, 1, 2  # of the turn line, streams

# --- kinds of operations --------------------------------------------------------------------------------------------
(
    K_ACTION,
    K_COUNT,
    K_BUSY,  # picoseconds in which they worked, one by one
    K_FLOPS,
    K_READ,  # bytes near their units
    K_WRITTEN,
    K_MOVED,  # bytes that copies named
    K_ALONE,  # picoseconds that they would take alone
    K_ROUTE,  # of the last one that took some time near its unit, or carried: its route, counted from 1
    K_LAST_READ,  # bytes that it read near its unit, or carried
    K_LAST_WRITTEN,
    K_CARRY,  # picoseconds that its bytes took, of a carry
    K_COMPUTE,  # of these what their FLOPs would take, or durations that are given
    K_NEAR,  # what their bytes near their units would take
    K_UNIT,  # who did the last of them, -1 for nobody
    KIND_COLUMNS,
) = range(16)
