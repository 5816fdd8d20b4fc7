#!/bin/sh
# Training beside PyTorch: from the same initial weights the same loss at every step and the same
# weights at the end, within float error. Skipped where there is no python3-torch.
. "${GR_SOURCE:-.}/tests/cli/lib.sh"

find_torch() {
  for python in /usr/bin/python3 python3; do
    if "$python" -c 'import h5py, numpy, torch' 2>/dev/null; then echo "$python" && return; fi
  done
}
torch=$(find_torch)
if [ -z "$torch" ]; then
  skip "no python with torch and h5py: training beside PyTorch"
  pass
  finish
fi

"$gradus" generate digits digits.h5 --train-rows 270 --valid-rows 0 -q >out 2>err ||
  fail "digits are generated"

# train NAME OPTIONS...: a run of 18 steps, each an epoch, so that the history has the loss of each;
# checkpoints as often as can be, so that the first holds the initial weights.
train() {
  name=$1
  shift
  expect 0 "train with $name" train digits.h5 --run "$name" --hidden 24 --activation tanh \
    --batch-size 270 --epochs 18 --valid-split 0 --shuffle none --checkpoint-every 0s \
    --checkpoint-keep 100 -q "$@"
}

train sgd --optimizer sgd --learning-rate 0.3
train sgd-decay --optimizer sgd --learning-rate 0.3 --weight-decay 0.01
train momentum --optimizer momentum --learning-rate 0.05 --weight-decay 0.001
train nesterov --optimizer nesterov --learning-rate 0.05
train adam --optimizer adam --learning-rate 0.003 --weight-decay 0.01
train adamw --optimizer adamw --learning-rate 0.003 --weight-decay 0.1
train adagrad --optimizer adagrad --learning-rate 0.01
train rmsprop --optimizer rmsprop --learning-rate 0.001
train rmsprop-momentum --optimizer rmsprop-momentum --learning-rate 0.0003
train adadelta --optimizer adadelta
train nadam --optimizer nadam --learning-rate 0.003
train clip-norm --optimizer momentum --learning-rate 0.1 --clip-norm 0.5
train clip-value --optimizer sgd --learning-rate 0.5 --clip-value 0.01

# Two line searches go other ways, but to the same place: a convex objective has one only. 270 rows, 785 x 10 weights of one layer.
expect 0 "train with lbfgs" train digits.h5 --run lbfgs --hidden none --epochs 1000 --optimizer lbfgs \
  --weight-decay 0.01 --tolerance 1e-6 --batch-size 270 --valid-split 0 -q

cat >beside.py <<'PY'
import sys
import h5py, numpy, torch
from torch import nn, optim

torch.set_num_threads(1)
# Name: optimiser of (groups of parameters), and what is done to gradients before it.
decay = {"sgd-decay": 0.01, "momentum": 0.001, "adam": 0.01, "adamw": 0.1}
make = {
    "sgd": lambda p: optim.SGD(p, lr=0.3),
    "sgd-decay": lambda p: optim.SGD(p, lr=0.3),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.003),
    "adamw": lambda p: optim.AdamW(p, lr=0.003),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.001),
    "rmsprop-momentum": lambda p: optim.RMSprop(p, lr=0.0003, momentum=0.9),
    "adadelta": lambda p: optim.Adadelta(p),
    "nadam": lambda p: optim.NAdam(p, lr=0.003),
    "clip-norm": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "clip-value": lambda p: optim.SGD(p, lr=0.5),
}
clip = {
    "clip-norm": lambda p: nn.utils.clip_grad_norm_(p, 0.5),
    "clip-value": lambda p: nn.utils.clip_grad_value_(p, 0.01),
}
if int(torch.__version__.split(".")[0]) < 2:
    del make["nadam"]  # its product of momenta for the next step has mu_t twice; 2.0 mended it
STEPS = 18


def weights_of(path):
    with h5py.File(path, "r") as f:
        return [f["model/layer_%d/%s" % (l, k)][...] for l in (1, 2) for k in ("weights", "bias")]


def initial(name):
    return weights_of(name + "/checkpoints/step-000000000000.h5")


def losses_of(name):
    with h5py.File(name + "/final.h5", "r") as f:
        return list(f["history/train_loss"][...])


def train(name, x, y):
    net = nn.Sequential(nn.Linear(x.shape[1], 24), nn.Tanh(), nn.Linear(24, 10))
    parameters = list(net.parameters())
    with torch.no_grad():
        for p, w in zip(parameters, initial(name)):
            p.copy_(torch.from_numpy(w))
    groups = [{"params": parameters[0::2], "weight_decay": decay.get(name, 0)},
              {"params": parameters[1::2], "weight_decay": 0}]
    optimizer, losses = make[name](groups), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        clip.get(name, lambda p: None)(parameters)
        optimizer.step()
        losses.append(loss.item())
    return losses, [p.detach().numpy() for p in parameters]


# A loss of order 1 is a mean of sums of 784 products in float: 2^-24 sqrt(784) = 2e-6 of it, which
# 18 steps may carry on; a wrong formula is off by per cents. Quotients g / sqrt(v) of vanishing
# gradients are rounding noise of size 1 times the learning rate, in weights that matter little:
# their differences are weighed by the distance that the weights have gone.
LOSS, WEIGHT = 2e-5, 2e-3
with h5py.File("digits.h5", "r") as f:
    x = torch.from_numpy(f["train/x"][...].reshape(270, -1).astype(numpy.float32) / 255)
    y = torch.from_numpy(f["train/y"][...].astype(numpy.int64))
wrong = 0
for name in make:
    ours, (theirs, weights) = losses_of(name), train(name, x, y)
    worst = max(abs(a - b) / b for a, b in zip(ours, theirs))
    first, last = initial(name), weights_of(name + "/final.h5")
    gone = numpy.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(first, last)))
    apart = numpy.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(weights, last))) / gone
    good = worst <= LOSS and apart <= WEIGHT and theirs[-1] < theirs[0] and len(ours) == STEPS
    print("%-16s %s losses within %.1e, weights within %.1e of their way; %.4f -> %.4f" %
          (name, "ok   " if good else "WRONG", worst, apart, theirs[0], theirs[-1]))
    wrong += not good


def objective(weight, bias):
    return nn.functional.cross_entropy(x @ weight.T + bias, y) + 0.005 * (weight ** 2).sum()


# At the optimum the objective is flat: it lies within |g|^2 / (2 m) of the least, m = 0.01 the least
# curvature of the weights; what floats do to its value, 1e-6 of it, is more.
with h5py.File("lbfgs/final.h5", "r") as f:
    last = [torch.from_numpy(f["model/layer_1/" + k][...]).double() for k in ("weights", "bias")]
    steps, ended = f["state"].attrs["step"], f["state"].attrs["search_end"]
p = [torch.zeros_like(v).requires_grad_() for v in last]
x = x.double()
optimizer = optim.LBFGS(p, max_iter=1000, tolerance_grad=1e-7, tolerance_change=1e-14,
                        history_size=10, line_search_fn="strong_wolfe")
calls = 0


def closure():
    global calls
    calls += 1
    optimizer.zero_grad()
    value = objective(*p)
    value.backward()
    return value


optimizer.step(closure)
ours, theirs = objective(*last).item(), objective(*p).item()
good = abs(ours - theirs) <= 1e-6 * theirs and ended == 1
print("%-16s %s objective %.9f after %d evaluations, PyTorch's in double %.9f after %d" %
      ("lbfgs", "ok   " if good else "WRONG", ours, steps, theirs, calls))
wrong += not good
sys.exit(wrong != 0)
PY
if "$torch" beside.py >out 2>err; then pass; else fail "every optimiser keeps beside PyTorch"; cat out; fi
check "at least thirteen of them" test "$(grep -c ' ok  ' out)" -ge 13
finish
