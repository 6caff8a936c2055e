"""Send a submission as a pull request to a data set on a hub."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.submissions.layout import SUBMISSION_FILES


def open_pull_request(folder: Path, repository: str) -> str:
    """Propose the folder's files as `submissions/<its name>/` of the data set `OWNER/NAME`.

    Returns the pull request's address. The hub is the one that `HF_ENDPOINT` names, the token the
    one that `hf auth login` or `HF_TOKEN` gave. Raises `SubmissionError` if it cannot be sent.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi

    files = sorted(name for name in SUBMISSION_FILES if (folder / name).is_file())
    try:
        sent = HfApi().create_commit(
            repository,
            [CommitOperationAdd(f"submissions/{folder.name}/{n}", folder / n) for n in files],
            commit_message=f"Submission {folder.name}",
            repo_type="dataset",
            create_pr=True,
        )
    except (httpx2.HTTPError, OSError, ValueError) as error:
        first = next(iter(str(error).strip().splitlines()), repr(error))
        raise SubmissionError(
            f"--hub {repository}: {first[:200]}; the submission lies in {folder} and can be sent "
            "again, or put into a pull request with git"
        ) from error
    return str(sent.pr_url)
