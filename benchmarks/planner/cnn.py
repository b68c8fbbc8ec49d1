#!/usr/bin/env python3
"""Training steps of convolutional networks as planning problems.

    python benchmarks/planner/cnn.py resnet50 --images=256 -o resnet50.json

The compiler imports no convolutions yet, so these problems are made here: forward, backward and an update
for each parameter, in f32, as a framework would run them without fusion.

* Times are the roofline of a target (machines.py): operations over its gemm rate, bytes over its memory
  rate, whichever is longer, plus a launch. Convolutions are implicit GEMMs at the rate and efficiency of
  one, with no workspace (no Winograd, no FFT).
* Batch normalisation passes over its input twice forward, over input and gradient twice backward;
  running statistics are left out (kilobytes). Max pooling reads its input again backward, as cuDNN does.
* SGD with momentum; an update may run on the host.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import machines
import micro_batches

F32 = 4


@dataclass(frozen=True)
class Tensor:
    storage: int
    shape: tuple  # images, channels, height, width

    @property
    def size(self):
        n = 1
        for extent in self.shape:
            n *= extent
        return n


class Step:
    """Records a forward pass; `finish` appends the backward pass and the updates."""

    def __init__(self, name, images, target):
        self.name, self.images = name, images
        self.engines = machines.engines(target)
        self.storages, self.operators = [], []
        self.parameters = []
        self.tape = []  # (storage that is made, function from its gradient)
        self.gradients = {}  # by storage: those of its readers
        self.needs_gradient = set()
        self.macs = self.conv_outputs = 0  # forward

    # Storages and operators.

    def storage(self, name, size, kind="temporary", **more):
        identity = len(self.storages)
        self.storages.append({"id": identity, "name": name, "bytes": size * F32, "kind": kind, **more})
        return identity

    def tensor(self, name, shape):
        out = Tensor(self.storage(name, 0), tuple(shape))
        self.storages[out.storage]["bytes"] = out.size * F32
        return out

    def run(self, name, kind, flops, moved, reads, writes, in_place=(), **more):
        """`moved` counts elements, not bytes."""
        cost = {"compute": self.engines["compute"].cost_ns(kind, flops, moved * F32)}
        if "updates" in more:
            cost["cpu"] = self.engines["cpu"].cost_ns(kind, flops, moved * F32)
        operator = {"id": len(self.operators), "name": name, "cost_ns": cost, "flops": int(flops),
                    "reads": list(dict.fromkeys(reads)), "writes": writes, **more}
        if in_place:
            operator["in_place"] = [list(pair) for pair in in_place]
        self.operators.append(operator)

    def parameter(self, name, size):
        weight = self.storage(name, size, "persistent")
        self.parameters.append((name, weight, size))
        return weight

    def record(self, made, function):
        self.needs_gradient.add(made.storage)
        self.tape.append((made, function))

    def send(self, tensor, gradient):
        """A reader's gradient of a tensor."""
        self.gradients.setdefault(tensor.storage, []).append(gradient)

    # Layers.

    def conv(self, x, channels, name, kernel=1, stride=1, bias=False):
        n, c, h, w = x.shape
        pad = (kernel - 1) // 2
        out_shape = (n, channels, (h + 2 * pad - kernel) // stride + 1, (w + 2 * pad - kernel) // stride + 1)
        return self.gemm(x, out_shape, name, c * channels * kernel**2, bias,
                         out_shape[0] * out_shape[2] * out_shape[3] * c * channels * kernel**2)

    def conv_transpose(self, x, channels, name):
        """2x2, stride 2, with bias."""
        n, c, h, w = x.shape
        return self.gemm(x, (n, channels, 2 * h, 2 * w), name, 4 * c * channels, True,
                         n * h * w * 4 * c * channels)

    def linear(self, x, channels, name):
        n, c = x.shape[:2]
        return self.gemm(x, (n, channels, 1, 1), name, c * channels, True, n * c * channels)

    def gemm(self, x, out_shape, name, weights, bias, macs):
        weight = self.parameter(f"{name}.weight", weights)
        extra = [self.parameter(f"{name}.bias", out_shape[1])] if bias else []
        y = self.tensor(name, out_shape)
        moved = x.size + y.size + weights
        self.macs += macs
        self.conv_outputs += y.size
        self.run(f"conv {name}", "gemm", 2 * macs, moved, [x.storage, weight, *extra], [y.storage])

        def backward(dy):
            dw = self.storage(f"{name}.weight.grad", weights)
            self.run(f"conv_grad_weight {name}", "gemm", 2 * macs, moved, [x.storage, dy.storage], [dw])
            self.gradients[weight] = [dw]
            if bias:
                db = self.storage(f"{name}.bias.grad", out_shape[1])
                self.run(f"bias_grad {name}", "elementwise", y.size, y.size, [dy.storage], [db])
                self.gradients[extra[0]] = [db]
            if x.storage in self.needs_gradient:
                dx = self.tensor(f"{name}.dx", x.shape)
                self.run(f"conv_grad_data {name}", "gemm", 2 * macs, moved, [dy.storage, weight], [dx.storage])
                self.send(x, dx)

        self.record(y, backward)
        return y

    def batch_norm(self, x, name):
        channels = x.shape[1]
        gamma, beta = self.parameter(f"{name}.weight", channels), self.parameter(f"{name}.bias", channels)
        y, saved = self.tensor(name, x.shape), self.storage(f"{name}.saved", 2 * channels)
        self.run(f"batch_norm {name}", "elementwise", 7 * x.size, 3 * x.size,
                 [x.storage, gamma, beta], [y.storage, saved])

        def backward(dy):
            dx = self.tensor(f"{name}.dx", x.shape)
            dgamma = self.storage(f"{name}.weight.grad", channels)
            dbeta = self.storage(f"{name}.bias.grad", channels)
            self.run(f"batch_norm_grad {name}", "elementwise", 11 * x.size, 5 * x.size,
                     [x.storage, dy.storage, gamma, saved], [dx.storage, dgamma, dbeta])
            self.gradients[gamma], self.gradients[beta] = [dgamma], [dbeta]
            self.send(x, dx)

        self.record(y, backward)
        return y

    def relu(self, x, name):
        y = self.tensor(name, x.shape)
        self.run(f"relu {name}", "elementwise", x.size, 2 * x.size, [x.storage], [y.storage],
                 [(y.storage, x.storage)])

        def backward(dy):
            dx = self.tensor(f"{name}.dx", x.shape)
            self.run(f"relu_grad {name}", "elementwise", x.size, 3 * x.size, [dy.storage, y.storage],
                     [dx.storage], [(dx.storage, dy.storage)])
            self.send(x, dx)

        self.record(y, backward)
        return y

    def add(self, a, b, name):
        y = self.tensor(name, a.shape)
        self.run(f"add {name}", "elementwise", y.size, 3 * y.size, [a.storage, b.storage], [y.storage],
                 [(y.storage, a.storage), (y.storage, b.storage)])

        def backward(dy):
            self.send(a, dy)
            self.send(b, dy)

        self.record(y, backward)
        return y

    def max_pool(self, x, name, kernel=2, pad=0):
        n, c, h, w = x.shape
        y = self.tensor(name, (n, c, (h + 2 * pad - kernel) // 2 + 1, (w + 2 * pad - kernel) // 2 + 1))
        flops, moved = kernel**2 * y.size, x.size + y.size
        self.run(f"max_pool {name}", "elementwise", flops, moved, [x.storage], [y.storage])

        def backward(dy):
            dx = self.tensor(f"{name}.dx", x.shape)
            self.run(f"max_pool_grad {name}", "elementwise", flops, 2 * moved,
                     [dy.storage, x.storage, y.storage], [dx.storage])
            self.send(x, dx)

        self.record(y, backward)
        return y

    def mean_pool(self, x, name):
        y = self.tensor(name, (x.shape[0], x.shape[1], 1, 1))
        self.run(f"mean_pool {name}", "elementwise", x.size, x.size + y.size, [x.storage], [y.storage])

        def backward(dy):
            dx = self.tensor(f"{name}.dx", x.shape)
            self.run(f"mean_pool_grad {name}", "elementwise", x.size, x.size + y.size, [dy.storage],
                     [dx.storage])
            self.send(x, dx)

        self.record(y, backward)
        return y

    def concat(self, a, b, name):
        y = self.tensor(name, (a.shape[0], a.shape[1] + b.shape[1], *a.shape[2:]))
        self.run(f"concat {name}", "elementwise", 0, 2 * y.size, [a.storage, b.storage], [y.storage])

        def backward(dy):
            da, db = self.tensor(f"{name}.da", a.shape), self.tensor(f"{name}.db", b.shape)
            self.run(f"split {name}", "elementwise", 0, 2 * y.size, [dy.storage], [da.storage, db.storage])
            self.send(a, da)
            self.send(b, db)

        self.record(y, backward)
        return y

    # The ends.

    def input(self, channels, size):
        shape = (self.images, channels, size, size)
        x = self.tensor("images", shape)
        self.storages[x.storage]["kind"] = "fed"
        return x

    def cross_entropy(self, logits, name="loss"):
        """A class for each place of each image; labels are i32."""
        places = logits.size // logits.shape[1]
        labels = self.storage("labels", places, "fed")
        loss, normal = self.storage(name, 1, output=True), self.storage(f"{name}.logsumexp", places)
        self.run(f"cross_entropy {name}", "elementwise", 5 * logits.size, logits.size + 2 * places,
                 [logits.storage, labels], [loss, normal])
        gradient = self.tensor(f"{name}.dx", logits.shape)
        self.run(f"cross_entropy_grad {name}", "elementwise", 4 * logits.size, 2 * logits.size + 2 * places,
                 [logits.storage, labels, normal], [gradient.storage], [(gradient.storage, logits.storage)])
        self.send(logits, gradient)

    def finish(self, machine):
        """Backward pass and updates; returns the problem."""
        for made, function in reversed(self.tape):
            dy, *others = self.gradients.pop(made.storage)
            for other in others:
                total = self.tensor(f"{self.storages[made.storage]['name']}.grad", made.shape)
                # A gradient that others still read is not overwritten: the planner sees to that.
                self.run(f"add_grad {self.storages[made.storage]['name']}", "elementwise", made.size,
                         3 * made.size, [dy.storage, other.storage], [total.storage],
                         [(total.storage, dy.storage), (total.storage, other.storage)])
                dy = total
            function(dy)
        rate = self.storage("learning_rate", 1, "fed")
        for name, weight, size in self.parameters:
            momentum = self.storage(f"{name}.momentum", size, "persistent")
            self.run(f"sgd {name}", "elementwise", 4 * size, 5 * size, [*self.gradients.pop(weight), rate], [],
                     updates=[weight, momentum], recomputable=False)
        return {"kind": "spillway-problem", "version": 1, "name": self.name, "machine": machine,
                "storages": self.storages, "operators": self.operators}


def resnet50(step, size=224, classes=1000):
    """He et al. 2015; the stride of a block in its 3x3 convolution, as in torchvision."""
    def normal(x, channels, name, **conv):
        return step.batch_norm(step.conv(x, channels, f"{name}.conv", **conv), f"{name}.bn")

    x = step.relu(normal(step.input(3, size), 64, "stem", kernel=7, stride=2), "stem.relu")
    x = step.max_pool(x, "stem.pool", kernel=3, pad=1)
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            y = step.relu(normal(x, width, f"{name}.1"), f"{name}.1.relu")
            y = step.relu(normal(y, width, f"{name}.2", kernel=3, stride=stride), f"{name}.2.relu")
            y = normal(y, 4 * width, f"{name}.3")
            if not block:
                x = normal(x, 4 * width, f"{name}.down", stride=stride)
            x = step.relu(step.add(y, x, f"{name}.add"), f"{name}.relu")
    step.cross_entropy(step.linear(step.mean_pool(x, "pool"), classes, "fc"))


def unet(step, size=512, classes=2):
    """Ronneberger et al. 2015, with padded convolutions and batch normalisation as most use it today."""
    def double(x, channels, name):
        for i in (1, 2):
            x = step.conv(x, channels, f"{name}.conv{i}", kernel=3)
            x = step.relu(step.batch_norm(x, f"{name}.bn{i}"), f"{name}.relu{i}")
        return x

    skips, x = [], double(step.input(3, size), 64, "in")
    for channels in (128, 256, 512, 1024):
        skips.append(x)
        x = double(step.max_pool(x, f"down{channels}.pool"), channels, f"down{channels}")
    for channels in (512, 256, 128, 64):
        up = step.conv_transpose(x, channels, f"up{channels}")
        x = double(step.concat(skips.pop(), up, f"up{channels}.concat"), channels, f"up{channels}")
    step.cross_entropy(step.conv(x, classes, "out", bias=True))


NETWORKS = {"resnet50": resnet50, "unet": unet}


def build(network, images, machine, target="rtx4090-24g"):
    """The Step, finished, and its problem."""
    step = Step(f"{network}, {images} images", images, target)
    NETWORKS[network](step)
    return step, step.finish(machine)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=list(NETWORKS))
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--target", default="rtx4090-24g")
    parser.add_argument("--memory", type=int, choices=list(machines.DEVICE_BYTES), default=24)
    parser.add_argument("--pcie", type=int, choices=list(machines.PCIE_BYTES_PER_SECOND), default=4)
    parser.add_argument("--nvme", action="store_true")
    parser.add_argument("-o", dest="out", type=Path, required=True)
    options = parser.parse_args()
    machine = machines.machine(options.memory, options.pcie, options.nvme)
    step, problem = build(options.network, options.images, machine, options.target)
    options.out.write_text(micro_batches.dump(problem))
    print(f"{options.network}: {sum(size for _, _, size in step.parameters)} parameters, "
          f"{step.macs // options.images} multiply-adds an image, {len(problem['operators'])} operators")


if __name__ == "__main__":
    main()
