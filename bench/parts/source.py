"""The source as of another commit."""

import contextlib
import subprocess

from .machine import ROOT


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
