"""Write docs/API.md and docs/COMMANDS.md anew."""

from tests.documents import api, commands


def main() -> None:
    for document in (api, commands):
        document.PATH.write_text(document.text(), "utf-8")
        print(document.PATH)


if __name__ == "__main__":
    main()
