"""A hook of MkDocs: links out of docs/ lead to files of the repository, which the site has not; it names them."""

import re
from posixpath import dirname, join, normpath
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#:]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace each link that leaves the folder of documents by its text and the file's path."""
    folder = dirname(page.file.src_uri)

    def named(link: re.Match[str]) -> str:
        target = normpath(join("docs", folder, link[2]))
        if target.startswith("docs/"):
            return link[0]
        text = link[1].strip("`")
        return f"`{target}`" if text in (target, link[2]) else f"{link[1]} (`{target}`)"

    return LINK.sub(named, markdown)
