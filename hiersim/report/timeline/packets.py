"""Writes a Perfetto trace: tracks, slices, arrows and counters, over the protobuf classes of the `perfetto` package.

Perfetto counts whole nanoseconds. Times are rounded down to them for drawing; exact picoseconds stand in the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import (
    CounterDescriptor,
    Trace,
    TracePacket,
    TrackDescriptor,
    TrackEvent,
)

SEQUENCE = 1
CHUNK = 20_000  # packets that are held in memory before they are written
PS_PER_NS = 1000

Argument = int | str


class Packets:
    """A trace that is being written into a file; tracks are made first, then told what happened on them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._trace: Any = Trace()
        self._tracks = 0
        self._names: dict[str, dict[str, int]] = {}
        start = self._packet()
        start.sequence_flags = TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        start.first_packet_on_sequence = True

    def close(self) -> None:
        """Write what is left; the file stays open."""
        self._file.write(self._trace.SerializeToString())
        self._trace = Trace()

    def track(self, name: str, parent: int = 0, text: str = "") -> int:
        """Add a track, in the order in which they are to be shown, and return its number.

        Args:
            name: tracks of one name below one parent are shown as one, as many rows high as it takes.
            parent: the track that it belongs to.
            text: what it shows.
        """
        return int(self._describe(name, parent, text).uuid)

    def counter(self, name: str, parent: int, unit: str) -> int:
        """Add a track of numbers, in bytes or in another unit, and return its number."""
        track = self._describe(name, parent, "")
        if unit == "bytes":
            track.counter.unit = CounterDescriptor.UNIT_SIZE_BYTES
        else:
            track.counter.unit_name = unit
        return int(track.uuid)

    def count(self, track: int, time_ps: int, value: float) -> None:
        """Add a number that holds from a time in picoseconds on."""
        packet = self._packet(time_ps)
        packet.track_event.type = TrackEvent.TYPE_COUNTER
        packet.track_event.track_uuid = track
        if isinstance(value, int):
            packet.track_event.counter_value = value
        else:
            packet.track_event.double_counter_value = value

    def slice(
        self,
        track: int,
        what: tuple[str, str],
        when: tuple[int, int],
        about: Mapping[str, Argument],
        arrows: Sequence[int],
    ) -> None:
        """Add a slice; those of a track must follow each other in time.

        Args:
            track: where.
            what: its category and its name.
            when: start and end in picoseconds.
            about: further facts, whole numbers and texts.
            arrows: numbers that it shares with the slices that it is joined with.
        """
        packet = self._packet(when[0])
        event = packet.track_event
        event.type = TrackEvent.TYPE_SLICE_BEGIN
        event.track_uuid = track
        event.category_iids.append(self._number(packet, "event_categories", what[0]))
        event.name_iid = self._number(packet, "event_names", what[1])
        for name, value in about.items():
            fact = event.debug_annotations.add()
            fact.name_iid = self._number(packet, "debug_annotation_names", name)
            if isinstance(value, int):
                fact.int_value = value
            else:
                fact.string_value_iid = self._number(packet, "debug_annotation_string_values", value)
        event.flow_ids.extend(arrows)
        end = self._packet(when[1]).track_event
        end.type = TrackEvent.TYPE_SLICE_END
        end.track_uuid = track

    def _describe(self, name: str, parent: int, text: str) -> Any:
        self._tracks += 1
        track = self._packet().track_descriptor
        track.uuid = self._tracks
        track.name = name
        if parent:
            track.parent_uuid = parent
        if text:
            track.description = text
        track.child_ordering = TrackDescriptor.EXPLICIT
        track.sibling_order_rank = self._tracks
        return track

    def _packet(self, time_ps: int | None = None) -> Any:
        if len(self._trace.packet) >= CHUNK:
            self.close()
        packet = self._trace.packet.add()
        packet.trusted_packet_sequence_id = SEQUENCE
        if time_ps is not None:
            packet.timestamp = time_ps // PS_PER_NS
            packet.sequence_flags = TracePacket.SEQ_NEEDS_INCREMENTAL_STATE
        return packet

    def _number(self, packet: Any, kind: str, text: str) -> int:
        """Return the number that stands for a text; the packet that uses it first says which text that is."""
        known = self._names.setdefault(kind, {})
        if text not in known:
            known[text] = len(known) + 1
            entry = getattr(packet.interned_data, kind).add()
            entry.iid = known[text]
            if kind == "debug_annotation_string_values":
                entry.str = text.encode()
            else:
                entry.name = text
        return known[text]
