"""A hook of mkdocs: what a page of docs/ links to outside of docs/ is on the site a link into the repository."""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"(\]\()(\.\.?/[^)\s#]+)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page, with those links made absolute."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def outside(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        return match[0] if target.startswith("docs/") else f"{match[1]}{config.repo_url}/blob/main/{target}"

    return _LINK.sub(outside, markdown)
