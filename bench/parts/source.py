"""The source as of another commit, and programs built from a source tree."""

import contextlib
import os
import shutil
import subprocess

from .machine import ROOT

PROGRAMS = ["fib-server", "fib-loadgen", "hpa-check"]


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True, capture_output=True).stdout.strip()


@contextlib.contextmanager
def source_of(commit, tree):
    """The source of a commit in the directory `tree`, for the length of a with block."""
    if tree.exists():
        git("worktree", "remove", "--force", str(tree))
    git("worktree", "add", "--detach", str(tree), commit)
    try:
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))


def built(source, target, name, **environment):
    """The programs of a source tree, in the directory `name` of `target`. All builds in `target` share their
    dependencies."""
    packages = [word for program in PROGRAMS for word in ("-p", program)]
    command = ["cargo", "build", "--profile", "quick", "--locked", "--target-dir", str(target / "build"), *packages]
    subprocess.run(command, cwd=source, env=dict(os.environ, **environment), check=True)
    out = target / name
    out.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        shutil.copy2(target / "build" / "quick" / program, out / program)
    return out
