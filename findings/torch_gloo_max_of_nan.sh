#!/usr/bin/env bash
# The maximum over ranks that gloo computes hides a NaN, and with it a number; how much depends on the rank that has it.
#
# torch 2.13.0, backend gloo, three ranks with the numbers 0, 1 and 2, one of which is replaced by NaN. `tensor.max()` of
# the three is nan. `all_reduce` with ReduceOp.MAX gives nan only where rank 0 has the NaN; where rank 1 has it, every
# rank gets 0, so that rank 2's number is lost too. In a tensor of four equal entries the first two and the last two may
# differ. SUM always gives nan. So a check that no rank's loss is NaN, or that all gradients are below a bound,
# passes while one of them is NaN: reduce `isfinite` as a number of its own, or use SUM.
#
# Seen: "MAX, NaN on rank 0: nan, in four: nan nan 2.0 2.0", "on rank 1: 0.0, in four: 0.0 0.0 nan nan", "on rank 2: 1.0,
# in four: 1.0 1.0 1.0 1.0"; "SUM: nan nan nan". The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.2.6
cat > "$folder/most.py" <<'PY'
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing


def reduced(rank, at, operation, size):
    """What every rank gets where the rank `at` has a NaN, and each other rank its own number."""
    tensor = torch.full((size,), float("nan") if rank == at else float(rank))
    dist.all_reduce(tensor, operation)
    everyone = [torch.empty_like(tensor) for _ in range(3)]
    dist.all_gather(everyone, tensor)
    assert all(torch.equal(one.isnan(), tensor.isnan()) for one in everyone)
    assert all(torch.equal(one.nan_to_num(-1), tensor.nan_to_num(-1)) for one in everyone)
    return " ".join(map(str, tensor.tolist()))


def work(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=3)
    said = []
    for at in range(3):
        one, four = (reduced(rank, at, dist.ReduceOp.MAX, size) for size in (1, 4))
        said.append(f"MAX, NaN on rank {at}: {one}, in four: {four}")
    said.append("SUM: " + " ".join(reduced(rank, at, dist.ReduceOp.SUM, 1) for at in range(3)))
    if rank == 0:
        print("\n".join(said))
    dist.destroy_process_group()


if __name__ == "__main__":
    assert torch.tensor([0.0, float("nan"), 2.0]).max().isnan()
    torch.multiprocessing.spawn(work, (sys.argv[1],), nprocs=3)
PY
said=$("$folder/venv/bin/python" "$folder/most.py" "$folder")
echo "$said"
[ "$said" = "MAX, NaN on rank 0: nan, in four: nan nan 2.0 2.0
MAX, NaN on rank 1: 0.0, in four: 0.0 0.0 nan nan
MAX, NaN on rank 2: 1.0, in four: 1.0 1.0 1.0 1.0
SUM: nan nan nan" ]
