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

# train NAME OPTIONS...: a run whose every step leaves a checkpoint; 5 steps of 50 rows and one of 20
# an epoch.
train() {
  name=$1
  shift
  expect 0 "train with $name" train digits.h5 --run "$name" --hidden 24 --activation tanh \
    --batch-size 50 --epochs 3 --valid-split 0 --shuffle none --checkpoint-every 0s \
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
ROWS, BATCH, EPOCHS, STEPS = 270, 50, 3, 18


def checkpoint(name, step):
    return h5py.File("%s/checkpoints/step-%012d.h5" % (name, step), "r")


def weights_of(name, step):
    with checkpoint(name, step) as f:
        return [f["model/layer_%d/%s" % (l, k)][...] for l in (1, 2) for k in ("weights", "bias")]


# Sums over the epoch so far, or the mean of an epoch that is over, as losses of single steps.
def losses_of(name):
    losses, before = [], 0.0
    for step in range(1, STEPS + 1):
        with checkpoint(name, step) as f:
            state = f["state"].attrs
            over = state["position"] == 0
            total = f["history/train_loss"][-1] * ROWS if over else state["epoch_loss"]
        rows = ROWS % BATCH if over else BATCH
        losses.append((total - before) / rows)
        before = 0.0 if over else total
    return losses


def train(name, x, y):
    net = nn.Sequential(nn.Linear(x.shape[1], 24), nn.Tanh(), nn.Linear(24, 10))
    parameters = list(net.parameters())
    with torch.no_grad():
        for p, w in zip(parameters, weights_of(name, 0)):
            p.copy_(torch.from_numpy(w))
    groups = [{"params": parameters[0::2], "weight_decay": decay.get(name, 0)},
              {"params": parameters[1::2], "weight_decay": 0}]
    optimizer, losses = make[name](groups), []
    for _ in range(EPOCHS):
        for start in range(0, ROWS, BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[start:start + BATCH]), y[start:start + BATCH])
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
    x = torch.from_numpy(f["train/x"][...].reshape(ROWS, -1).astype(numpy.float32) / 255)
    y = torch.from_numpy(f["train/y"][...].astype(numpy.int64))
wrong = 0
for name in make:
    ours, (theirs, weights) = losses_of(name), train(name, x, y)
    worst = max(abs(a - b) / b for a, b in zip(ours, theirs))
    first, last = weights_of(name, 0), weights_of(name, STEPS)
    gone = numpy.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(first, last)))
    apart = numpy.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(weights, last))) / gone
    good = worst <= LOSS and apart <= WEIGHT and theirs[-1] < theirs[0] and len(ours) == STEPS
    print("%-16s %s losses within %.1e, weights within %.1e of their way; %.4f -> %.4f" %
          (name, "ok   " if good else "WRONG", worst, apart, theirs[0], theirs[-1]))
    wrong += not good
sys.exit(wrong != 0)
PY
if "$torch" beside.py >out 2>err; then pass; else fail "every optimiser keeps beside PyTorch"; cat out; fi
check "at least twelve of them" test "$(grep -c ' ok  ' out)" -ge 12
finish
