"""Published networks, or blocks of them, as operator graphs, to try orders and memories on.

Shapes are those of the papers: Inception v1 module 3a (Szegedy and others, CVPR 2015, table 1), two bottlenecks of
ResNet-50's second stage (He and others, CVPR 2016, table 1), five layers of DenseNet-121's first block (Huang and
others, CVPR 2017, table 1), two inverted residual blocks of MobileNetV2 (Sandler and others, CVPR 2018, table 2), a
normal cell of NASNet-A (Zoph and others, CVPR 2018, figure 4) at 28 x 28 with 44 filters, the attention of
BERT-base (Devlin and others, NAACL 2019) with 128 tokens, four of its heads, and, whole, MobileNet v1 (Howard and
others, arXiv 1704.04861, table 1) and v2. A concatenation is no operator: who reads it reads its parts. Elements
have 8 bits unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

from hiersim.scratchpad.graph import Graph, Operator, Tensor


class Network:
    """Collects tensors of pixels x channels, and operators on them.

    Args:
        name: of the graph.
        pixels: of a tensor; set anew where the resolution changes.
        element: bytes of an element.
        weights: whether weights are tensors, too; else operators read activations alone.
    """

    def __init__(self, name: str, pixels: int, element: int = 1, weights: bool = True) -> None:
        self.name, self.pixels, self.element, self.weights = name, pixels, element, weights
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []
        self._channels: dict[int, int] = {}

    def tensor(self, name: str, channels: int, kind: str = "intermediate") -> int:
        """Add a tensor of so many channels."""
        self._tensors.append(Tensor(name, self.pixels * channels * self.element, kind))
        self._channels[len(self._tensors) - 1] = channels
        return len(self._tensors) - 1

    def conv(self, name: str, sources: list[int], channels: int, kernel: int = 1, grouped: bool = False) -> int:
        """Add a convolution of tensors side by side, with its weights; ``grouped``: each channel by itself."""
        before = 1 if grouped else sum(self._channels[each] for each in sources)
        count, reads = kernel * kernel * channels * before, list(sources)
        if self.weights:
            self._tensors.append(Tensor(f"{name}.w", count * self.element, "weight"))
            reads.append(len(self._tensors) - 1)
        made = self.tensor(f"{name}.y", channels)
        self._operators.append(Operator(name, tuple(reads), (made,), 2 * count * self.pixels))
        return made

    def mix(self, name: str, sources: list[int], channels: int) -> int:
        """Add an operator without weights, such as a sum or pooling."""
        made = self.tensor(f"{name}.y", channels)
        self._operators.append(Operator(name, tuple(dict.fromkeys(sources)), (made,), self.pixels * channels))
        return made

    def done(self, outputs: list[int]) -> Graph:
        """Return the graph, with its outputs."""
        for each in outputs:
            self._tensors[each] = Tensor(self._tensors[each].name, self._tensors[each].size_bytes, "output")
        return Graph(self.name, tuple(self._tensors), tuple(self._operators))


def inception() -> Graph:
    """Return module 3a of Inception v1."""
    net = Network("inception-3a", 28 * 28)
    x = net.tensor("x", 192, "input")
    branches = [net.conv("1x1", [x], 64)]
    branches.append(net.conv("3x3", [net.conv("reduce 3x3", [x], 96)], 128, 3))
    branches.append(net.conv("5x5", [net.conv("reduce 5x5", [x], 16)], 32, 5))
    branches.append(net.conv("project", [net.mix("pool", [x], 192)], 32))
    return net.done(branches)


def resnet() -> Graph:
    """Return two bottlenecks of ResNet-50's second stage."""
    net = Network("resnet-bottlenecks", 56 * 56)
    x = net.tensor("x", 64, "input")
    short = net.conv("shortcut", [x], 256)
    for block in ("a", "b"):
        narrow = net.conv(f"{block} 3x3", [net.conv(f"{block} in", [x], 64)], 64, 3)
        x = short = net.mix(f"{block} add", [net.conv(f"{block} out", [narrow], 256), short], 256)
    return net.done([x])


def densenet() -> Graph:
    """Return five layers of DenseNet-121's first block; each reads all before it."""
    net = Network("densenet-block", 56 * 56)
    parts = [net.tensor("x", 64, "input")]
    for layer in range(5):
        parts.append(net.conv(f"{layer} 3x3", [net.conv(f"{layer} 1x1", parts, 128)], 32, 3))
    return net.done(parts[1:])


def mobilenet() -> Graph:
    """Return two inverted residual blocks of MobileNetV2."""
    net = Network("mobilenet-v2-blocks", 56 * 56)
    x = net.tensor("x", 24, "input")
    for block in ("a", "b"):
        wide = net.conv(f"{block} expand", [x], 144)
        narrow = net.conv(f"{block} project", [net.conv(f"{block} depthwise", [wide], 144, 3, grouped=True)], 24)
        x = net.mix(f"{block} add", [narrow, x], 24)
    return net.done([x])


def nasnet() -> Graph:
    """Return a normal cell of NASNet-A: five sums of two operators each on the last two cells' outputs."""
    net = Network("nasnet-a-cell", 28 * 28)
    before, last = (net.tensor(name, 44, "input") for name in ("h(i-1)", "h(i)"))
    return net.done(_cell(net, before, last))


def nasnet_cells(count: int) -> Graph:
    """Return so many normal cells of NASNet-A, each on the two before it, squeezed to 44 channels."""
    net = Network(f"nasnet-a-{count}-cells", 28 * 28)
    before, last = [net.tensor("h(0)", 44, "input")], [net.tensor("h(1)", 44, "input")]
    for cell in range(count):
        a, b = (net.conv(f"{cell} squeeze {name}", side, 44) for name, side in (("a", before), ("b", last)))
        before, last = last, _cell(net, a, b, f"{cell} ")
    return net.done(last)


def _cell(net: Network, before: int, last: int, prefix: str = "") -> list[int]:
    """Add a normal cell of NASNet-A; return its five sums."""

    def separable(name: str, source: int, kernel: int) -> int:
        return net.conv(prefix + name, [source], 44, kernel, grouped=True)

    def pool(name: str, source: int) -> int:
        return net.mix(prefix + name, [source], 44)

    def add(number: int, sources: list[int]) -> int:
        return net.mix(f"{prefix}add {number}", sources, 44)

    return [
        add(1, [separable("sep3 1", last, 3), last]),
        add(2, [separable("sep3 2", before, 3), separable("sep5 2", last, 5)]),
        add(3, [pool("pool 3", last), before]),
        add(4, [pool("pool 4", before)]),
        add(5, [separable("sep5 5", before, 5), separable("sep3 5", before, 3)]),
    ]


def attention(count: int = 4) -> Graph:
    """Return so many heads of BERT-base's attention and their projection."""
    net, tokens = Network("bert-attention", 128), 128
    x = net.tensor("x", 768, "input")
    heads = []
    for head in range(count):
        query, key, value = (net.conv(f"{name} {head}", [x], 64) for name in ("query", "key", "value"))
        scores = net.mix(f"scores {head}", [query, key], tokens)
        heads.append(net.mix(f"mix {head}", [scores, value], 64))
    return net.done([net.mix("add", [net.conv("project", heads, 768), x], 768)])


def mobilenet_v1(element: int = 4, weights: bool = False) -> Graph:
    """Return the whole of MobileNet v1 at 224 x 224, a chain."""
    net = Network("mobilenet-v1", 224 * 224, element, weights)
    side, x = 112, net.tensor("x", 3, "input")
    net.pixels = side * side
    x = net.conv("conv", [x], 32, 3)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    channels = 32
    for i, (wider, stride) in enumerate(plan):
        side //= stride
        net.pixels = side * side
        x = net.conv(f"{i} depthwise", [x], channels, 3, grouped=True)
        x, channels = net.conv(f"{i} pointwise", [x], wider), wider
    return _classified(net, x, channels)


def mobilenet_v2(element: int = 4, weights: bool = False) -> Graph:
    """Return the whole of MobileNet v2 at 224 x 224."""
    net = Network("mobilenet-v2", 224 * 224, element, weights)
    side, x, channels = 112, net.tensor("x", 3, "input"), 32
    net.pixels = side * side
    x = net.conv("conv", [x], channels, 3)
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for stage, (times, wider, repeats, stride) in enumerate(plan):
        for i in range(repeats):
            short, wide, name = x, channels * times, f"{stage}.{i}"
            x = net.conv(f"{name} expand", [x], wide) if times > 1 else x
            side //= stride if i == 0 else 1
            net.pixels = side * side
            x = net.conv(f"{name} depthwise", [x], wide, 3, grouped=True)
            x = net.conv(f"{name} project", [x], wider)
            x, channels = net.mix(f"{name} add", [x, short], wider) if i else x, wider
    return _classified(net, net.conv("last", [x], 1280), 1280)


def _classified(net: Network, x: int, channels: int) -> Graph:
    """Add pooling and the classifier, and return the graph."""
    net.pixels = 1
    return net.done([net.conv("classify", [net.mix("pool", [x], channels)], 1001)])


NETWORKS: dict[str, Callable[[], Graph]] = {
    "inception": inception,
    "resnet": resnet,
    "densenet": densenet,
    "mobilenet": mobilenet,
    "nasnet": nasnet,
    "attention": attention,
}
"""Graphs by name."""
