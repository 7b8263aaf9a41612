"""The peer of the sampling race: steps of the Penn Treebank LN-HyperLSTM in PyTorch, float32 on the CPU, without gradients; the largest
logit of a step is the next symbol. The step is pytorch_step.py's, which is held against the golden files; what does not change from
step to step is prepared once.

    python3 bench/pytorch_sample.py --variant compiled --rows 1 --steps 200     prints the seconds of each step, one a line

Variants: eager; compiled (torch.compile); frozen (torch.compile with inductor's freezing: weights are constants, packed once).
vs_pytorch_sample.py runs it as a child (--serve): each line on stdin is a number of steps to take now.
"""

import argparse
import sys
import time

import torch
import torch.nn.functional as F

from pytorch_step import Sizes, Window, initial_parameters


class Sampler(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        parameters = {name: value.detach() for name, value in initial_parameters(sizes).items()}
        self.window = Window(parameters, sizes.units, sizes.hyper_units)
        for name in ("weight_h", "hyper_weight_h", "hyper_from_h", "z_weight"):  # columns side by side: a third faster for one row
            setattr(self.window, name, getattr(self.window, name).T.contiguous().T)
        self.weight, self.bias = parameters["softmax.weight"].T.contiguous().T, parameters["softmax.bias"]
        for name, value in vars(self.window).items():  # freezing takes what a module owns as constants
            if isinstance(value, torch.Tensor):
                self.register_buffer("window_" + name, value)

    def forward(self, symbols, h, c, hyper_h, hyper_c):
        h, c, hyper_h, hyper_c = self.window.step(symbols, (h, c, hyper_h, hyper_c))
        return F.linear(h, self.weight, self.bias).argmax(1), h, c, hyper_h, hyper_c


class Peer:
    def __init__(self, options):
        torch.manual_seed(1)
        sizes = Sizes(options.units, options.hyper_units, options.embedding_size, options.symbols)
        self.step = Sampler(sizes).eval()
        if options.variant == "frozen":
            import torch._inductor.config as config

            config.freezing = True
        if options.variant != "eager":
            self.step = torch.compile(self.step, fullgraph=True, dynamic=False)
        n, m = sizes.units, sizes.hyper_units
        self.state = [torch.zeros(options.rows, width) for width in (n, n, m, m)]
        self.symbols = torch.zeros(options.rows, dtype=torch.int64)

    def take(self, steps):
        with torch.no_grad():
            for number in range(-20, steps):  # the first ones warm up, and compile
                start = time.perf_counter()
                self.symbols, *self.state = self.step(self.symbols, *self.state)
                seconds = time.perf_counter() - start
                if number >= 0:
                    print(f"{seconds:.9f}")
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=("eager", "compiled", "frozen"), default="eager")
    parser.add_argument("--serve", action="store_true", help="take as many steps as each line of stdin says")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--hyper-units", type=int, default=128)
    parser.add_argument("--embedding-size", type=int, default=4)
    parser.add_argument("--symbols", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    peer = Peer(options)
    for count in sys.stdin if options.serve else [options.steps]:
        peer.take(int(count))


if __name__ == "__main__":
    main()
