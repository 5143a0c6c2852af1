#!/usr/bin/env bash
# Use a machine that has a GPU and PyTorch, with or without a network:
#
#   scripts/on_gpu.sh OUT [tests] [bench] [slice]
#
# runs the tests that need a GPU, the benchmark of the engine, and a part of a scale through the
# workflow (all three unless some are named), each with a time limit. The folder OUT then holds a
# log, the benchmark's numbers, and an archive of the results: cat OUT/results.tar.gz.* | tar xz.
# What the machine lacks is taken from .offline, which scripts/gather_offline.py fills. Settings,
# from the environment:
PYTHON=${PYTHON:-python3}                    # a Python that has PyTorch
TESTS_SECONDS=${TESTS_SECONDS:-100}
BENCH_SECONDS=${BENCH_SECONDS:-130}
SLICE_SECONDS=${SLICE_SECONDS:-270}
BENCH_ARGUMENTS=${BENCH_ARGUMENTS:-}         # such as "--sections resnet18 pgd"
SLICE=${SLICE:-config/slices/sar.yaml}       # a file for Snakemake's --configfile
GPU_JOBS=${GPU_JOBS:-4}                      # jobs at a time on the GPU
CORES=${CORES:-all}
ROOM=${ROOM:-60}                             # MiB for the archive, in parts of 15 MiB

set -uo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/on_gpu.sh OUT [tests] [bench] [slice]" >&2; exit 2; }
cd "$(dirname "$0")/.." || exit
out=$(realpath -m "$1")
shift
stages=("$@")
[ $# -gt 0 ] || stages=(tests bench slice)
mkdir -p "$out" || exit
exec > >(tee -a "$out/log.txt") 2>&1
log=$!
failed=()

minutes() { printf '%d.%02d' $(($1 / 60)) $(($1 % 60 * 100 / 60)); }

began=$SECONDS
say() { echo "---- $((SECONDS - began)) s: $*"; }

stage() { # name, seconds, command: run it with a time limit, log how it ended
  local name=$1 seconds=$2
  shift 2
  say "$name, at most $seconds s"
  timeout --signal=INT --kill-after=15 "$seconds" "$@" </dev/null
  local code=$?
  [ $code = 0 ] || failed+=("$name")
  say "$name ended with $code$([[ $code != 124 && $code != 137 ]] || echo ', out of time')"
}

set_up() {
  unset PYTHONDONTWRITEBYTECODE # else every job compiles all of its imports again
  export PYTHONUNBUFFERED=1 GIT_PYTHON_REFRESH=quiet
  if compgen -G '.offline/wheels/*.whl' >/dev/null; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
      --no-index --no-deps --no-compile --target "$site" .offline/wheels/*.whl || exit
  fi
  export PYTHONPATH="$PWD/src${site:+:$site}${PYTHONPATH:+:$PYTHONPATH}"
  if [ -d .offline/data ]; then
    export PASSBAND_DATA_MIRROR="$PWD/.offline/data"
  fi
  nvidia-smi
  nproc
  free -g
  "$PYTHON" - <<'END' || exit
import platform
from importlib.metadata import version

import torch

print("Python", platform.python_version(), "on", platform.platform())
print("CUDA", torch.version.cuda, torch.cuda.is_available() and torch.cuda.get_device_properties(0))
for name in "torch triton torchvision numpy scipy pandas matplotlib seaborn snakemake".split():
    try:
        print(name, version(name))
    except ImportError:
        print(name, "is missing")
END
}

results() { # the folder of the slice's results
  "$PYTHON" -c 'import sys, yaml; print("results/" + yaml.safe_load(open(sys.argv[1]))["scale"])' "$SLICE"
}

pack() { # all results except large files, then the weights that fit
  local folder room file size
  folder=$(results)
  [ -d "$folder" ] || return 0
  room=$((ROOM * 1024 * 1024))
  find "$folder" -type f -not -name weights.safetensors -not -name '.*' -not -path "$folder/attacks/*" \
    -not -path "$folder/checkpoints/*" -not -path "$folder/shared_prefixes/*" >"$out/packed"
  room=$((room - $(tr '\n' '\0' <"$out/packed" | xargs -0 cat | wc -c)))
  for file in $(find "$folder" -name weights.safetensors | sort -r); do
    size=$(stat -c %s "$file")
    [ "$size" -le "$room" ] || continue
    room=$((room - size))
    echo "$file" >>"$out/packed"
  done
  tar -cz -T "$out/packed" | split -b 15M -d - "$out/results.tar.gz."
  rm "$out/packed"
}

set_up
for name in "${stages[@]}"; do
  case $name in
  tests) stage tests "$TESTS_SECONDS" "$PYTHON" -m pytest tests/gpu -m gpu --durations=0 -v ;;
  bench) stage bench "$BENCH_SECONDS" "$PYTHON" benchmarks/gpu.py --json "$out/benchmark.json" \
    --minutes "$(minutes $((BENCH_SECONDS - 20)))" $BENCH_ARGUMENTS ;;
  slice) stage slice "$SLICE_SECONDS" "$PYTHON" -m snakemake --cores "$CORES" \
    --resources "gpu=$GPU_JOBS" --scheduler greedy --configfile "$SLICE"
    "$PYTHON" scripts/time_scale.py --results "$(results)"
    pack ;;
  *) echo "unknown stage $name: tests, bench or slice" && failed+=("$name") ;;
  esac
done
ls -l "$out"
say "${failed[*]:-none} of the stages failed"
exec >&- 2>&-
wait "$log"
[ ${#failed[@]} = 0 ]
