"""`make reference`: docs/reference/ and the import graph in docs/architecture.md, anew from the code."""

from scripts.reference.pages import pages


def main() -> None:
    """Write them."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
