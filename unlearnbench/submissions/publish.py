"""Send a submission as a pull request to a data set on a hub."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.submissions.layout import SUBMISSION_FILES


def open_pull_request(folder: Path, repository: str) -> str:
    """Open a pull request with the folder as `submissions/<its name>/` in data set `OWNER/NAME`.

    Returns the pull request's address. `HF_ENDPOINT` sets the hub, `hf auth login` or `HF_TOKEN`
    the token. Raises `SubmissionError` if it cannot be sent.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi

    files = sorted(name for name in SUBMISSION_FILES if (folder / name).is_file())
    try:
        commit = HfApi().create_commit(
            repository,
            [CommitOperationAdd(f"submissions/{folder.name}/{n}", folder / n) for n in files],
            commit_message=f"Submission {folder.name}",
            repo_type="dataset",
            create_pr=True,
        )
    except (httpx2.HTTPError, OSError, ValueError) as error:
        first = next(iter(str(error).strip().splitlines()), repr(error))
        raise SubmissionError(
            f"--hub {repository}: {first[:200]}; the submission is in {folder} and can be sent "
            "again, or put into a pull request with git"
        ) from error
    return str(commit.pr_url)
