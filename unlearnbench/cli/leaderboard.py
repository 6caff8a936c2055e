"""`unlearnbench leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.options import Bases, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.display import counted

app = typer.Typer(help="Build the leaderboard's page, and look at it.", no_args_is_help=True)

Submissions = Annotated[
    Path | None,
    typer.Option(help="Folder of submissions. Default, in a checkout: leaderboard/submissions."),
]


@app.command("build")
def build(
    out: Annotated[Path, typer.Option(help="Where the site goes.")] = Path("site"),
    submissions: Submissions = None,
    keep: Annotated[
        Path | None, typer.Option(help="Remember verified rows here for the next build.")
    ] = None,
    bases: Bases = None,
    quiet: Quiet = False,
) -> int:
    """Verify every submission, rank what stands, and write a static site.

    Example: unlearnbench leaderboard build --out site
    """
    quieten(quiet)
    from unlearnbench.api.submissions import build_leaderboard

    built = build_leaderboard(out, submissions, keep, bases)
    console = stdout()
    for division in built.board.divisions:
        ranked = sum(not row.outside for row in division.rows)
        console.print(
            f"{division.title}, judge {division.judge}: {counted(len(division.rows), 'row')}, "
            f"{ranked} ranked",
            soft_wrap=True,
        )
    for row in built.board.refused:
        console.print(f"refused: {row.id}: {row.reasons[0]}", soft_wrap=True)
    console.print(f"{built.n_pages} pages: {out / 'index.html'}", soft_wrap=True)
    return 1 if built.board.refused else 0


@app.command("known-by")
def known_by(
    bases: Bases = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of benchmarks. Default: those that ship.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Put which forget facts the accepted base runs answer into each benchmark's known-by.csv.

    Example: unlearnbench leaderboard known-by
    """
    quieten(quiet)
    from unlearnbench.api.known_by import write_known_by

    for path in write_known_by(bases, out):
        stdout().print(f"known by: {path}", soft_wrap=True)


@app.command("serve")
def serve(
    site: Annotated[Path, typer.Argument(help="A site that was built.")] = Path("site"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine; 0: any that is free.")
    ] = 8000,
    quiet: Quiet = False,
) -> int:
    """Show a built site on this machine only, until Ctrl-C.

    Example: unlearnbench leaderboard serve site
    """
    quieten(quiet)
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from unlearnbench.errors import SubmissionError

    if not (site / "index.html").is_file():
        raise SubmissionError(f"{site} holds no index.html; `unlearnbench leaderboard build` first")

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Requests are not logged."""

    kind = Silent if quiet else SimpleHTTPRequestHandler
    handler = partial(kind, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise SubmissionError(f"--port {port}: {error.strerror}; choose another") from error
    with server:
        stdout().print(f"http://127.0.0.1:{server.server_port}/ (Ctrl-C ends)")
        server.serve_forever()
    return 0
