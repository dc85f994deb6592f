#!/usr/bin/env bash
# torch.optim.Muon computes its direction in bfloat16, also for float64 parameters on a CPU, and nothing says so.
#
# torch 2.13.0. The Newton-Schulz iterations of Muon cast the gradient to bfloat16 whatever the parameter's type is. So
# an update has two to three digits: with float64 weights it differs from the same polynomial in float64 by some
# thousandths of its norm, two implementations agree to no more, and a check in double precision fails, though the
# formula is right. All entries of an update of a float64 parameter are numbers that bfloat16 has.
#
# Seen: "parameter torch.float64; update is bfloat16: True; off from float64: between 0.001 and 0.1". The script fails
# where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.2.6
cat > "$folder/muon.py" <<'PY'
import torch

gradient = torch.randn(16, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
weight = torch.nn.Parameter(torch.zeros(16, 32, dtype=torch.float64))
weight.grad = gradient.clone()
torch.optim.Muon([weight], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False).step()
update = -weight.detach()

x = gradient / gradient.norm()
for _ in range(5):
    a = x @ x.T
    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
off = float((update - x).norm() / x.norm())
same = torch.equal(update, update.bfloat16().double())
size = "between 0.001 and 0.1" if 0.001 < off < 0.1 else f"{off:.2g}"
print(f"parameter {weight.dtype}; update is bfloat16: {same}; off from float64: {size}")
PY
said=$("$folder/venv/bin/python" "$folder/muon.py")
echo "$said"
[ "$said" = "parameter torch.float64; update is bfloat16: True; off from float64: between 0.001 and 0.1" ]
