"""Reads a Perfetto trace back with the package's own protobuf classes: tracks, slices, arrows, counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

TABLES = {
    "event_names": "name",
    "event_categories": "name",
    "debug_annotation_names": "name",
    "debug_annotation_string_values": "str",
}


@dataclass
class Slice:
    track: str
    lane: int
    category: str
    name: str
    start_ns: int
    about: dict
    arrows: list
    end_ns: int = -1


@dataclass
class Readback:
    tracks: dict = field(default_factory=dict)  # uuid -> descriptor
    slices: list = field(default_factory=list)
    counters: dict = field(default_factory=lambda: defaultdict(list))

    def path(self, uuid):
        track = self.tracks[uuid]
        above = [self.path(track.parent_uuid)] if track.parent_uuid else []
        return "/".join([*above, track.name])

    def on(self, track):
        return [each for each in self.slices if each.track == track]

    def arrows(self):
        """Each arrow's slices, in order of the file."""
        found = defaultdict(list)
        for each in self.slices:
            for arrow in each.arrows:
                found[arrow].append(each)
        return found


def read(content: bytes) -> Readback:
    trace = Trace()
    trace.ParseFromString(content)
    found, texts, is_open = Readback(), defaultdict(dict), {}
    for packet in trace.packet:
        for table, text in TABLES.items():
            for entry in getattr(packet.interned_data, table):
                value = getattr(entry, text)
                texts[table][entry.iid] = value.decode() if isinstance(value, bytes) else value
        if packet.HasField("track_descriptor"):
            found.tracks[packet.track_descriptor.uuid] = packet.track_descriptor
        elif packet.HasField("track_event"):
            _event(found, texts, is_open, packet)
    assert not is_open, "a slice has no end"
    return found


def _event(found, texts, is_open, packet):
    event = packet.track_event
    path = found.path(event.track_uuid)
    if event.type == TrackEvent.TYPE_COUNTER:
        is_whole = event.HasField("counter_value")
        value = event.counter_value if is_whole else event.double_counter_value
        found.counters[path].append((packet.timestamp, value))
    elif event.type == TrackEvent.TYPE_SLICE_BEGIN:
        assert event.track_uuid not in is_open, "slices of a track overlap"
        about = {}
        for fact in event.debug_annotations:
            name = texts["debug_annotation_names"][fact.name_iid]
            is_text = fact.HasField("string_value_iid")
            about[name] = texts["debug_annotation_string_values"][fact.string_value_iid] if is_text else fact.int_value
        category = texts["event_categories"][event.category_iids[0]]
        name = texts["event_names"][event.name_iid]
        one = Slice(path, event.track_uuid, category, name, packet.timestamp, about, list(event.flow_ids))
        is_open[event.track_uuid] = one
        found.slices.append(one)
    else:
        one = is_open.pop(event.track_uuid)
        one.end_ns = packet.timestamp
        assert one.end_ns >= one.start_ns


def spent(found: Readback, unit: str) -> Counter:
    """Picoseconds of a unit by (state, label), folded spans included."""
    total = Counter()
    for each in found.on(f"units/{unit}"):
        if each.category == "folded":
            for name, value in each.about.items():
                if name.startswith("ps of "):
                    state, _, label = name.removeprefix("ps of ").partition(": ")
                    total[state, label] += value
        else:
            total[each.category, each.name] += each.about["ps"]
    return total


def carried(found: Readback) -> Counter:
    """Bytes by hop, folded transfers included."""
    total = Counter()
    for each in found.slices:
        group, _, hop = each.track.partition("/")
        if group in ("tiers", "links"):
            total[hop] += each.about["bytes"]
    return total
