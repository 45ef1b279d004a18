# SPDX-License-Identifier: Apache-2.0
"""Adapts the pages of docs/ to Python-Markdown, which reads some of GitHub's Markdown differently."""

import os
import pathlib
import posixpath
import re

from mkdocs.exceptions import PluginError

root = pathlib.Path(__file__).resolve().parents[2]
repository = os.environ.get("GITHUB_REPOSITORY", "OWNER/quay-keyless")

FENCE = re.compile(r"^ *```")
LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]*)(#[^)\s]*)?\)")
ITEM = re.compile(r"(?:[-*]|\d+\.) ")


def on_config(config):
    config.repo_url = f"https://github.com/{repository}"
    config.repo_name = repository
    return config


def on_page_markdown(markdown, page, **_):
    lines, fenced, numbered = [], False, False
    for line in markdown.split("\n"):
        if not fenced:
            line = outside(line, lines, page.file.src_uri)
            numbered = bool(re.match(r"\d+\. ", line)) or numbered and (line == "" or line.startswith("   "))
        if numbered and line.startswith("   "):
            line = " " + line  # a list's paragraphs are indented by four
        if FENCE.match(line):
            fenced = not fenced
        lines.append(line)
    return "\n".join(lines).replace("OWNER/quay-keyless", repository)


def outside(line, before, page):
    """A line that is not code."""
    line = LINK.sub(lambda found: elsewhere(found, page), line)
    if line.startswith("|"):
        return re.sub(r"`[^`]*`", lambda code: code[0].replace(r"\|", "|"), line)
    if ITEM.match(line) and before and before[-1] and not ITEM.match(before[-1]) and not before[-1].startswith(" "):
        before.append("")  # a list needs an empty line before it
    return line


def elsewhere(link, page):
    """A link to a file of the repository that is not a page goes to GitHub."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link[1]))
    if path.startswith("docs/"):
        return link[0]
    if not (root / path).exists():
        raise PluginError(f"{page}: there is no {path}")
    kind = "tree" if (root / path).is_dir() else "blob"
    return f"](https://github.com/{repository}/{kind}/main/{path}{link[2] or ''})"
