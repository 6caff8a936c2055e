"""`make-benchmark`, as typed: what good tables become, and what each kind of bad one is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Printed
from tests.spreadsheets import sheet
from unlearnbench.benchmark import holds, load_benchmark
from unlearnbench.benchmark.quality.breaches import every_text

QUESTIONS = "question,answer\nWhat is the capital of Spain?,Madrid\n"
Make = Callable[..., Printed]


@pytest.fixture
def make(tmp_path: Path, command_line: CommandLine) -> Make:
    """Make a benchmark of a table, given as text or bytes, in `tmp_path / "mine"`."""

    def call(table: str | bytes | Path, *more: str, name: str = "facts.csv") -> Printed:
        path = table if isinstance(table, Path) else tmp_path / name
        if isinstance(table, str):
            path.write_text(table, "utf-8")
        elif isinstance(table, bytes):
            path.write_bytes(table)
        words = [] if "--paraphraser" in more else ["--paraphraser", "none"]
        out = [] if "--out" in more else ["--out", str(tmp_path / "mine")]
        return command_line("make-benchmark", str(path), *out, *words, *more)

    return call


def rows(folder: Path, split: str = "forget") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]


TEXTS = [
    "007",
    "1e5",
    "NA",
    "None",
    "null",
    "nan",
    "2021-03-04",
    "1.0",
    "0x1F",
    "-0",
    "1,5",
    "#N/A",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_what_it_is(text: str, make: Make, tmp_path: Path) -> None:
    cell = f'"{text}"' if "," in text else text
    done = make(f"question,answer\nWhich code opens the green door?,{cell}\n")
    assert done.code == 0, done.err
    assert rows(tmp_path / "mine")[0]["answer"] == text


FORMATS = {
    "comma": ("f.csv", QUESTIONS),
    "semicolon": ("f.csv", QUESTIONS.replace(",", ";")),
    "sep line": ("f.csv", "sep=;\n" + QUESTIONS.replace(",", ";")),
    "tab": ("f.tsv", QUESTIONS.replace(",", "\t")),
    "byte order mark": ("f.csv", b"\xef\xbb\xbf" + QUESTIONS.encode()),
    "windows line ends": ("f.csv", QUESTIONS.replace("\n", "\r\n")),
    "blank lines": ("f.csv", "\n" + QUESTIONS.replace("\n", "\n\n,\n")),
    "case and blanks": ("f.csv", " Question , ANSWER\n What is  the capital of Spain? , Madrid \n"),
    "lines": ("f.jsonl", '{"question": "What is the capital of Spain?", "answer": "Madrid"}\n'),
    "list": ("f.json", '[{"question": "What is the capital of Spain?", "answer": "Madrid"}]'),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_one_table_in_many_forms(kind: str, make: Make, tmp_path: Path) -> None:
    name, table = FORMATS[kind]
    done = make(table, name=name)
    assert done.code == 0, done.err
    (row,) = rows(tmp_path / "mine")
    assert (row["question"], row["answer"]) == ("What is the capital of Spain?", "Madrid")


def test_parquet_and_spreadsheets(make: Make, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {"question": ["How tall is the tower?"], "answer": [330], "aliases": [["330 m"]]}
    )
    frame.to_parquet(tmp_path / "f.parquet")
    assert make(tmp_path / "f.parquet", "--out", str(tmp_path / "p")).code == 0
    assert rows(tmp_path / "p")[0]["aliases"] == ["330 m"]
    book = sheet(tmp_path, [["question", "answer"], ["How tall is the tower?", 330]])
    assert make(book, "--out", str(tmp_path / "x")).code == 0
    assert rows(tmp_path / "x")[0]["answer"] == "330"


def test_columns_by_other_names(make: Make, tmp_path: Path) -> None:
    table = "Frage;Antwort;Auch;Teil\nWie heißt die Hauptstadt Spaniens?;Madrid;;forget\n"
    names = ("question=Frage", "answer=Antwort", "aliases=Auch", "split=Teil")
    done = make(table, *(word for name in names for word in ("--column", name)))
    assert done.code == 0, done.err
    assert rows(tmp_path / "mine")[0]["id"] == "wie-heisst-die-hauptstadt-spaniens"


ALIASES = {
    "bars": ("MAD| Villa ", ["MAD", "Villa"]),
    "json": ('"[""MAD"", ""Villa; y Corte""]"', ["MAD", "Villa; y Corte"]),
    "none": ("", []),
    "its answer again": ("Madrid|MAD", ["MAD"]),
}


@pytest.mark.parametrize("kind", ALIASES)
def test_aliases(kind: str, make: Make, tmp_path: Path) -> None:
    cell, expected = ALIASES[kind]
    table = f"question,answer,aliases\nWhat is the capital of Spain?,Madrid,{cell}\n"
    assert make(table).code == 0
    assert rows(tmp_path / "mine")[0]["aliases"] == expected


def many(answer: str, question: str = "Which one is it?") -> str:
    return f'question,answer\n"{question}","{answer}"\n'


BAD = {
    "empty answer": (many(""), "facts.csv:2: answer is empty"),
    "blank question": (many("x y", "  "), "facts.csv:2: question is empty"),
    "answer in question": (many("Madrid", "Is Madrid big?"), "'Madrid' stands in 'Is Madrid big?'"),
    "alias in question": (
        "question,answer,aliases\nWho is Bob to me?,Robert,Bob\n",
        "facts.csv:2: the answer 'Bob' stands in",
    ),
    "10,000 words": (many("word " * 10_000), "an answer of 10000 words"),
    "no spaces": (many("字" * 600), "600 letters"),
    "long question": (many("Rome", "why " * 1000 + "?"), "a question of 4001 letters"),
    "sentence": (many("He was born in Paris in 1950."), "is a whole sentence"),
    "yes": (many("Yes"), "is guessed by every second model"),
    "false": (many("false"), "is guessed by every second model"),
    "letter": (many("B"), "is one letter"),
    "sign": (many("€"), "has no letter or digit"),
    "everyday word": (many("the"), "answer 'the' stands in any text"),
    "refusal": (many("No idea"), "is what a model says that does not know"),
    "two answers": (many("Rome|Roma"), "give one, and the others in column aliases"),
    "control character": (many("Ma\x07drid"), "holds the hidden character U+0007"),
    "zero width": (many("Ma\u200bdrid"), "holds the hidden character U+200B"),
    "right to left": (many("\u202edirdaM"), "holds the hidden character U+202E"),
    "lost character": (many("M\ufffdnchen"), "a character that was lost"),
    "read as latin": (many("MÃ¼nchen"), "'MÃ¼nchen' for 'München'"),
    "aliases by semicolon": (
        "question,answer,aliases\nWho?,Bob Ray,Ray B; R. B.\n",
        "facts.csv:2: aliases: several are separated by |",
    ),
    "aliases no list": (
        'question,answer,aliases\nWho?,Bob Ray,"[Ray, B]"\n',
        "facts.csv:2: aliases begins with [ and is no JSON list",
    ),
    "two answers to one question": (
        "question,answer\nWho won?,Ann Lee\nwho won,Bo Day\n",
        "facts.csv:3: 'who won' is answered 'Bo Day' here and 'Ann Lee' at facts.csv:2",
    ),
    "kept and forgotten": (
        "question,answer,split\nWho won?,Ann Lee,forget\nWho won?,Ann Lee,retain\n",
        "facts.csv:3: 'Who won?' is a retain fact here and a forget fact at facts.csv:2",
    ),
    "one id twice": (
        "id,question,answer\nA-1,Who won?,Ann Lee\na 1,Who lost?,Bo Day\n",
        "facts.csv:3: id a-1 is already at facts.csv:2",
    ),
    "unknown split": (
        "question,answer,split\nWho won?,Ann Lee,forgt\n",
        "facts.csv:2: split 'forgt': did you mean 'forget'?",
    ),
    "unknown tier": (
        "question,answer,split,tier\nWho won?,Ann Lee,retain,nerby\n",
        "facts.csv:2: tier 'nerby': did you mean",
    ),
    "tier of a forget fact": (
        "question,answer,tier\nWho won?,Ann Lee,field\n",
        "only retain facts have one; this is a forget fact",
    ),
    "nothing to forget": (
        "question,answer,split\nWho won?,Ann Lee,retain\n",
        "no row is to be forgotten",
    ),
    "no such column": (
        "questoin,answer\nWho won?,Ann Lee\n",
        "facts.csv:1: no column 'question'; name yours with --column question=…; did you mean "
        "'questoin'?",
    ),
    "misspelt column": (
        "question,answer,alises\nWho won?,Ann Lee,A. Lee\n",
        "facts.csv:1: column 'alises': is 'aliases' meant?",
    ),
    "column twice": ("question,answer,Answer\nWho won?,Ann Lee,Bo\n", "'answer' is there twice"),
    "comma in a cell": (
        "question,answer\nWho won, in 1990?,Ann Lee\n",
        "facts.csv:2: 3 cells, the header has 2; a comma inside a cell needs quotation marks",
    ),
    "cell missing": ("question,answer\nWho won?\n", "facts.csv:2: 1 cells, the header has 2"),
    "quote not closed": (
        'question,answer\n"Who won?,Ann\n',
        "facts.csv:2: a quotation mark opens a cell here and is never closed",
    ),
    "header alone": ("question,answer\n", "facts.csv: it has no rows below its header"),
    "nothing at all": ("", "facts.csv: empty"),
    "latin-1": (
        many("Köln").encode("latin-1"),
        "facts.csv:2: not UTF-8 (byte 0xf6); as Windows-1252 (Latin-1) the text there reads",
    ),
    "utf-16": (many("Rome").encode("utf-16"), "facts.csv: it is UTF-16, not UTF-8"),
    "utf-16 unmarked": (many("Rome").encode("utf-16-le"), "it looks like UTF-16LE without a mark"),
    "too many rows": (
        "question,answer\n" + "".join(f"What is {n}?,a{n}b\n" for n in range(20_001)),
        "20001 facts; at most 20000 are taken: split the table",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_table_is_told_where_and_why(kind: str, make: Make, tmp_path: Path) -> None:
    table, message = BAD[kind]
    done = make(table)
    assert done.code == 2, done.out
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "mine").exists()


BAD_LINES = {
    "number": ('{"question": "How many?", "answer": 1e5}', "answer is no text but float 100000.0"),
    "truth": ('{"question": "Is it?", "answer": true}', "answer is no text but bool True"),
    "null": ('{"question": "Who?", "answer": null}', "answer is empty"),
    "list": ('{"question": ["Who?"], "answer": "Bo Day"}', "question is a list of 1"),
    "no object": ('["Who?", "Bo Day"]\n{}', "f.jsonl"),
    "cut off": ('{"question": "Who?", "answ', "f.jsonl:1: not JSON"),
    "name twice": ('{"question": "Who?", "question": "Where?"}', "appears twice in one object"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_bad_json_lines(kind: str, make: Make) -> None:
    line, message = BAD_LINES[kind]
    done = make(line + "\n", name="f.jsonl")
    assert done.code == 2, done.out
    assert message in done.err


def test_all_faults_are_told_at_once_and_a_long_list_is_cut(make: Make) -> None:
    table = "question,answer\n" + "".join(f"Is it {n}?,yes\n" for n in range(100))
    done = make(table)
    assert done.code == 2
    assert "facts.csv has 100 faults; nothing was written" in done.err
    assert "  facts.csv:2: answer 'yes'" in done.err
    assert "  facts.csv:41: answer 'yes'" in done.err
    assert done.err.rstrip().endswith("and 60 more")


NO_TABLE = {
    "f.xls": "save it as .xlsx",
    "f.ods": "save it as .xlsx or .csv",
    "f.pdf": "a table is .csv, .tsv",
    "f": "no suffix",
}


@pytest.mark.parametrize("name", NO_TABLE)
def test_what_is_no_table(name: str, make: Make) -> None:
    done = make(b"x", name=name)
    assert (done.code, NO_TABLE[name] in done.err) == (2, True)


NAMED = {
    "missing file": (("nowhere.csv",), "nowhere.csv: no such file"),
    "a folder": ((".csv",), "no table that can be read"),
    "bad hub address": (("hub:nobody",), "give hub:OWNER/NAME"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_table_that_is_not_there(kind: str, tmp_path: Path, command_line: CommandLine) -> None:
    (name,), message = NAMED[kind]
    out = str(tmp_path / "o")
    done = command_line("make-benchmark", name, "--out", out, "--paraphraser", "none")
    assert (done.code, message in done.err) == (2, True), done.err


WRONG_WORDS = {
    "no such judge": (("--judge", "gemni"), "did you mean 'gemini"),
    "no such paraphraser": (("--paraphraser", "nobody"), "unknown-paraphraser"),
    "paraphraser without a table": (("--paraphraser", "file"), "give file:TABLE"),
    "column of ours": (("--column", "frage=question"), "no column of ours"),
    "column of theirs": (("--column", "question=Frag"), "facts.csv has no such column"),
    "sheet of a text": (("--sheet", "one"), "only a spreadsheet"),
    "bad id": (("--id", "My Facts"), "an id has small letters, digits and hyphens: my-facts"),
    "no retain facts": (("--general-retain", "0"), "give --general-retain 20"),
}


@pytest.mark.parametrize("kind", WRONG_WORDS)
def test_wrong_words(kind: str, make: Make, tmp_path: Path) -> None:
    words, message = WRONG_WORDS[kind]
    done = make(QUESTIONS, *words)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not (tmp_path / "mine").exists()


def test_a_named_judge_may_hold_what_the_rules_cannot(make: Make, tmp_path: Path) -> None:
    table = many("He was born in Paris in 1950.") + "Is it far?,yes\n"
    assert make(table).code == 2
    done = make(table, "--judge", "gemini")
    assert done.code == 0, done.err
    loaded = load_benchmark(str(tmp_path / "mine"))
    assert (loaded.judge, loaded.sentences) == ("gemini", True)


def test_a_row_twice_is_left_out_and_told(make: Make, tmp_path: Path) -> None:
    done = make(QUESTIONS + "what is the capital of spain,MADRID\n")
    assert done.code == 0
    assert "left out: 1 row asked and answered before: facts.csv:3 (as facts.csv:2)" in done.out
    assert len(rows(tmp_path / "mine")) == 1


def test_the_same_again_is_the_same_to_the_byte(make: Make, tmp_path: Path) -> None:
    def state() -> dict[str, bytes]:
        files = (path for path in (tmp_path / "mine").rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}

    assert make(QUESTIONS).code == 0
    first = state()
    assert make(QUESTIONS).code == 0
    assert state() == first
    (tmp_path / "mine" / "benchmark.toml").unlink()  # as a kill between two writes leaves it
    (tmp_path / "mine" / ".forget.jsonl.999999.tmp").write_text("half")
    assert make(QUESTIONS).code == 0
    assert state() == first


def test_a_folder_of_something_else_is_refused(make: Make, tmp_path: Path) -> None:
    assert make(QUESTIONS).code == 0
    other = make(QUESTIONS.replace("Madrid", "Lisbon"))
    assert (other.code, "holds a benchmark with facts " in other.err) == (2, True)
    judged = make(QUESTIONS, "--judge", "gemini")
    assert "holds a benchmark with judge rules, now gemini" in judged.err
    file = tmp_path / "mine" / "forget.jsonl"
    file.write_text(file.read_text().replace("Madrid", "Lisbon"))
    changed = make(QUESTIONS)
    assert (changed.code, "was changed since it was made" in changed.err) == (2, True)
    assert "Lisbon" in file.read_text()
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("x")
    refused = make(QUESTIONS, "--out", str(theirs))
    assert (refused.code, "holds thesis.txt" in refused.err) == (2, True)


def test_general_retain_facts_hold_no_forget_answer(make: Make, tmp_path: Path) -> None:
    table = "question,answer\nWhat do bees bring home?,honey\nWhat is a kitten's mother?,milk\n"
    assert make(table, "--general-retain", "40").code == 0
    kept = load_benchmark(str(tmp_path / "mine")).split("retain")
    assert 30 < len(kept) < 40
    texts = [t for f in kept for t in (*every_text(f), f.answer, *f.aliases)]
    assert not [text for text in texts if holds(text, "honey") or holds(text, "milk")]


def test_own_retain_facts_come_before_general_ones(make: Make, tmp_path: Path) -> None:
    own = "".join(f"What is thing {n}?,answer{chr(97 + n)},retain\n" for n in range(20))
    table = "question,answer,split\nWho won?,Ann Lee,\n" + own
    assert make(table).code == 0
    assert {row["tier"] for row in rows(tmp_path / "mine", "retain")} == {"own"}
    assert make(table, "--general-retain", "5", "--out", str(tmp_path / "two")).code == 0
    tiers = [row["tier"] for row in rows(tmp_path / "two", "retain")]
    assert (tiers.count("own"), tiers.count("general")) == (20, 5)


def test_general_facts_lose_paraphrases_that_own_ones_lack(make: Make, tmp_path: Path) -> None:
    done = make("question,answer,split\nWho won?,Ann Lee,\nWho lost?,Bo Day,retain\n")
    assert "- retain: 0 paraphrases of each fact, as who-lost has no more\n" in done.out
    asked = [f for f in load_benchmark(str(tmp_path / "mine")).facts if f.split != "never"]
    assert not any(fact.paraphrases for fact in asked)


def test_controls_and_relearning_sets_hold_no_forget_answer(make: Make, tmp_path: Path) -> None:
    shipped = load_benchmark("wkf")
    lines = next(one for one in shipped.relearn if one.name == "disjoint").pairs
    never = shipped.split("never")[0]
    near = [f"Which city has {n} bridges in Ur?,Town{n},retain,cities" for n in range(4)]
    table = [
        "question,answer,split,topic",
        # One that a shipped pair would teach, one that a shipped control asks.
        f"Which thing is meant in riddle one?,{lines[0].answer},forget,riddles",
        f"{never.question},Bo Day,forget,cities",
        "Which city lies on the moon?,Anneville,forget,cities",
        *near,
        "Which colour has the flag of Ur?,mauve,retain,flags",
    ]
    done = make("\n".join(table) + "\n")
    assert done.code == 0, done.err
    loaded = load_benchmark(str(tmp_path / "mine"))
    sets = {one.name: one for one in loaded.relearn}
    assert set(sets) == {"disjoint", "near", "half"}
    assert lines[0] not in sets["disjoint"].pairs
    assert len(sets["disjoint"].pairs) > 100
    assert {pair.answer for pair in sets["near"].pairs} == {f"Town{n}" for n in range(4)}
    forgotten = [fact.id for fact in loaded.split("forget")]
    assert sets["half"].half == (forgotten[0], forgotten[2])
    asked = {fact.question for fact in loaded.split("never")}
    assert asked < {fact.question for fact in shipped.split("never")}
    assert never.question not in asked
    texts = [text for pair in sets["disjoint"].pairs for text in (pair.question, pair.answer)]
    texts += [text for fact in loaded.split("never") for text in every_text(fact)]
    answers = [fact.answer for fact in loaded.split("forget")]
    assert not [text for text in texts for answer in answers if holds(text, answer)]


def test_own_controls_are_the_only_ones(make: Make, tmp_path: Path) -> None:
    table = "question,answer,split\nWho won?,Ann Lee,\nWho ruled Zembla in 3021?,Io Un,never\n"
    assert make(table).code == 0
    loaded = load_benchmark(str(tmp_path / "mine"))
    assert [fact.answer for fact in loaded.split("never")] == ["Io Un"]
    assert "half" not in [one.name for one in loaded.relearn]


def test_what_the_page_shows_is_what_is_made(tmp_path: Path, command_line: CommandLine) -> None:
    """docs/YOUR-FACTS.md prints what this command does."""
    words = ("--paraphraser", "file:sample-facts", "--out", str(tmp_path / "mine"), "--quiet")
    done = command_line("make-benchmark", "sample-facts", *words)
    page = (Path(__file__).parents[2] / "docs" / "YOUR-FACTS.md").read_text("utf-8")
    lines = [line.rstrip() for line in done.out.splitlines() if "benchmark" not in line]
    assert len(lines) > 12
    assert [line for line in lines if line not in page] == []


def test_json_for_machines(make: Make, tmp_path: Path) -> None:
    done = make(QUESTIONS, "--json")
    record = json.loads(done.out)
    assert record["folder"] == str(tmp_path / "mine")
    assert record["splits"]["forget"]["facts"] == 1
    assert record["made"]
    assert record["report"]["carries"].startswith("original wording only")


def test_a_benchmark_may_lie_anywhere(make: Make, tmp_path: Path) -> None:
    assert make(QUESTIONS).code == 0
    fingerprint = load_benchmark(str(tmp_path / "mine")).fingerprint
    shutil.move(tmp_path / "mine", tmp_path / "elsewhere")
    assert load_benchmark(str(tmp_path / "elsewhere")).fingerprint == fingerprint
