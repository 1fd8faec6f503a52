"""Builds the programs and every available peer."""

import os
import shutil
import subprocess
import sys

from .machine import HERE, ROOT, say

PEERS = HERE / "target" / "release"
TOOLS = HERE / "target" / "tools"
BIN = TOOLS / "bin"
# hpa-check's model without the program around it.
EXAMPLE = ROOT / "target" / "release" / "examples" / "decisions"

OHA = "1.16.0"
HEY = "v0.1.4"
VEGETA = "v12.12.0"
# Available from a package manager, but not from cargo, go or pip.
PACKAGES = {"wrk": "wrk", "taskset": "util-linux", "curl": "curl", "m4": "m4"}


def tool(name):
    """A tool built here, or installed on the machine."""
    built = BIN / name
    return built if built.exists() else shutil.which(name)


def build_programs():
    """The programs, built as for images."""
    subprocess.run([ROOT / ".ci" / "programs"], env=dict(os.environ, PROFILE="release"), check=True)


# The peers of each part; other parts need none.
NEEDED = {
    "numbers": {"the Rust peers"},
    "service": {"the Rust peers", "oha", "bench-go", "Flask"},
    "load": {"the Rust peers", "oha", "hey", "vegeta"},
    "accuracy": {"oha"},
    "check": {"decisions"},
}


def build(parts):
    """Every peer that these parts need; what can't be built is named and left out."""
    needed = set().union(*(NEEDED.get(part, set()) for part in parts))
    missing = [package for name, package in PACKAGES.items() if not shutil.which(name)]
    if missing:
        say(f"not everything can be measured: apt-get install {' '.join(missing)}")
    BIN.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, CARGO_TARGET_DIR=str(HERE / "target"), GOBIN=str(BIN))
    if "decisions" in needed:
        model = ["cargo", "build", "--release", "--locked", "-p", "hpa-check-core", "--example", "decisions"]
        attempt("decisions", model, ROOT, dict(os.environ, CARGO_TARGET_DIR=str(ROOT / "target")))
    if "the Rust peers" in needed:
        attempt("the Rust peers", ["cargo", "build", "--release", "--locked"], HERE, env)
    wanted = {
        "oha": ["cargo", "install", "oha", "--version", OHA, "--locked", "--root", TOOLS],
        "hey": ["go", "install", f"github.com/rakyll/hey@{HEY}"],
        "vegeta": ["go", "install", f"github.com/tsenart/vegeta/v12@{VEGETA}"],
        "bench-go": ["go", "build", "-o", BIN / "bench-go", "."],
    }
    for name, command in wanted.items():
        if name in needed and not (BIN / name).exists():
            attempt(name, command, HERE / "go" if name == "bench-go" else HERE, env)
    flask = TOOLS / "flask"
    if "Flask" in needed and not (flask / "bin" / "gunicorn").exists():
        attempt("Python's venv", [sys.executable, "-m", "venv", flask], HERE, env)
        attempt("Flask", [flask / "bin" / "pip", "install", "-q", "-r", HERE / "flask" / "requirements.txt"], HERE, env)


def attempt(name, command, cwd, env):
    command = [str(c) for c in command]
    if shutil.which(command[0]) is None:
        say(f"{name}: {command[0]} is missing, so it is left out")
    elif subprocess.run(command, cwd=cwd, env=env, check=False).returncode:
        say(f"{name} can't be built here and is left out")
