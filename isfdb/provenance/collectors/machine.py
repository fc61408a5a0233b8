"""Which machine this process runs on: host, processor, limits, BLAS, threads, GPU. Of the environment variables only a named list.

Asked once for each process. Nothing here imports a library: what numpy or threadpoolctl know is asked only if they are imported.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

from isfdb.provenance.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

#: The environment variables that may be recorded. Everything else stays unread: whole environments hold secrets.
ALLOWED_VARIABLES = (
    "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_SCHEDULE", "OMP_DYNAMIC", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE",
    "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_CBWR", "MKL_THREADING_LAYER", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME",
    "TBB_NUM_THREADS", "KMP_AFFINITY", "KMP_BLOCKTIME", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NPY_PROMOTION_STATE",
    "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHON_GIL", "PYTHONNOUSERSITE",
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUBLAS_WORKSPACE_CONFIG", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "XLA_FLAGS", "JAX_ENABLE_X64", "JAX_PLATFORMS",
    "PYTORCH_CUDA_ALLOC_CONF", "CONDA_DEFAULT_ENV", "SLURM_JOB_ID", "SLURM_JOB_PARTITION", "SLURM_CPUS_PER_TASK", "SLURM_NTASKS",
    "SLURM_ARRAY_TASK_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "LANG", "LC_ALL", "LC_NUMERIC", "TZ", "MPLBACKEND", "MALLOC_ARENA_MAX",
)  # fmt: skip

_FLAGS_THAT_MATTER = re.compile(
    r"sse4_[12]|ssse3|avx|avx2|avx512\w*|avx_vnni|amx_\w+|fma|f16c|bmi[12]|neon|asimd\w*|sve2?|fphp|vsx|lasx|lsx|v", re.ASCII
)

_machine: tuple[tuple[Any, ...], dict[str, Any]] | None = None
_gpu: dict[str, Any] = {}  # "answer" once nvidia-smi answered, "asked" while it was only asked


def machine() -> dict[str, Any]:
    """Return facts about this computer, JSON-ready. What could not be learned is null, with the reason under ``unknown``."""
    global _machine
    # numpy may be imported, and the GPU's answer may come, after the first time somebody asks
    state = (os.getpid(), "numpy" in sys.modules, "threadpoolctl" in sys.modules, "answer" in _gpu)
    newest = _machine
    if newest is None or newest[0] != state:
        _machine = newest = (state, _look())
    return newest[1]


def _look() -> dict[str, Any]:
    questions: dict[str, Callable[[], Any]] = {
        "host": platform.node, "user": _user, "os": _operating_system, "architecture": platform.machine, "cpu": _cpu,
        "cores": _cores, "memory_bytes": _memory_bytes, "limits": _limits, "blas": _blas, "gpu": _gpus, "variables": _variables,
    }  # fmt: skip
    facts: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, ask in questions.items():
        try:
            facts[name] = ask()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, RuntimeError) as error:
            facts[name], unknown[name] = None, redact(f"{type(error).__name__}: {error}")[0]
    if unknown:
        facts["unknown"] = unknown
    return facts


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container with a user id that has no name
        return f"uid {os.getuid()}"


def _operating_system() -> dict[str, str]:
    found = {"system": platform.system(), "release": platform.release()}
    try:
        found["distribution"] = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):  # not a Linux, or one that does not say
        if version := platform.version():
            found["version"] = version
    return found


def _cpu() -> dict[str, Any]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            text = file.read(16_384)  # the first processor says it all
    except OSError:  # not Linux
        return {"model": platform.processor() or None, "flags": None}
    model = re.search(r"(?m)^(?:model name|Model|cpu model|Hardware|cpu)\s*: *(.+)$", text)
    flags = re.search(r"(?m)^(?:flags|Features|isa)\s*: *(.+)$", text)
    kept = sorted({flag for flag in flags[1].split() if _FLAGS_THAT_MATTER.fullmatch(flag)}) if flags else None
    return {"model": model[1].strip() if model else None, "flags": kept}


def _cores() -> dict[str, Any]:
    affinity = getattr(os, "sched_getaffinity", None)
    return {"logical": os.cpu_count(), "usable": len(affinity(0)) if affinity else os.cpu_count()}


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limits() -> dict[str, Any]:
    """Return what the control group (a container, a batch job) allows; an empty dict where nothing limits it."""
    folder = _cgroup_folder()
    limits: dict[str, Any] = {}
    quota = (_first_line(f"{folder}/cpu.max") or _first_line("/sys/fs/cgroup/cpu.max") or "max").split()
    if len(quota) == 2 and quota[0] != "max":
        limits["cpus"] = round(int(quota[0]) / int(quota[1]), 3)
    for path in (f"{folder}/memory.max", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _first_line(path)
        if text and text.isdigit() and int(text) < 1 << 60:  # the old interface says "no limit" with a huge number
            limits["memory_bytes"] = int(text)
            break
    return limits


def _cgroup_folder() -> str:
    line = _first_line("/proc/self/cgroup") or ""
    return "/sys/fs/cgroup" + line.partition("::")[2].rstrip("/")


def _first_line(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:  # this kernel does not have it
        return None


def _blas() -> list[dict[str, Any]] | None:
    if "threadpoolctl" in sys.modules:
        found = sys.modules["threadpoolctl"].threadpool_info()
        names = ("internal_api", "version", "num_threads", "threading_layer", "architecture")
        if found:
            return [{name: library[name] for name in names if library.get(name) is not None} for library in found]
    config = getattr(sys.modules.get("numpy"), "__config__", None)
    if config is None:
        return None  # no numpy is imported: which BLAS it would use is not known
    blas = config.CONFIG["Build Dependencies"]["blas"]
    return [{name: blas[name] for name in ("name", "version", "openblas configuration") if blas.get(name)}]


def _variables() -> dict[str, str]:
    return {name: redact(os.environ[name])[0] for name in ALLOWED_VARIABLES if name in os.environ}


def _gpus() -> list[str] | None:
    """Return the models of NVIDIA's GPUs; [] where there are none."""
    folder = "/proc/driver/nvidia/gpus"
    if os.path.isdir(folder):
        texts = [_read(f"{folder}/{name}/information") for name in sorted(os.listdir(folder))]
        driver = re.search(r"\d+\.\d+(?:\.\d+)?", _first_line("/proc/driver/nvidia/version") or "")
        models = [model[1].strip() for text in texts if (model := re.search(r"(?m)^Model:\s*(.+)$", text))]
        return [f"{model}, driver {driver[0]}" if driver else model for model in models]
    return _ask_nvidia_smi()


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(4096)


def _ask_nvidia_smi() -> list[str] | None:
    import shutil

    if "answer" in _gpu:
        if isinstance(_gpu["answer"], str):
            raise RuntimeError(_gpu["answer"])
        return list(_gpu["answer"])
    if shutil.which("nvidia-smi") is None:
        return []
    if _gpu.get("asked") != os.getpid():
        _gpu["asked"] = os.getpid()
        threading.Thread(target=_run_nvidia_smi, name="isfdb-nvidia-smi", daemon=True).start()
    raise RuntimeError("nvidia-smi has not answered yet")


def _run_nvidia_smi() -> None:
    import subprocess

    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True, stdin=subprocess.DEVNULL).stdout
        _gpu["answer"] = [line.replace(", ", ", driver ") for line in answer.splitlines()]
    except (OSError, subprocess.SubprocessError) as error:
        _gpu["answer"] = f"nvidia-smi failed: {type(error).__name__}"
