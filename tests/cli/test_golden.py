"""`luthier golden`: freeze, add, check."""

import json

from cli.tickets import ticket_rows, write_rows

FREEZE = ("--name", "tickets", "--author", "A. Lee", "--purpose", "release gate")


def test_a_set_is_frozen_added_to_and_checked(call, here):
    first = write_rows(here / "first.jsonl", ticket_rows()[:10])
    more = write_rows(here / "more.jsonl", ticket_rows()[8:14])
    frozen = call("golden", "freeze", first, *FREEZE)
    assert (frozen.code, "version 1, 10 items" in frozen.out) == (0, True)
    added = call("golden", "add", "golden/tickets", more, "--author", "B", "--purpose", "more")
    assert "version 2, 14 items" in added.out
    assert "2 rows in the set already" in added.out
    checked = call("golden", "check", "golden/tickets")
    assert [line.split(":")[0] for line in checked.out.splitlines()] == ["v1", "v2"]


def test_leaks_into_training_rows_are_shown_and_fail(call, here):
    rows = ticket_rows()
    call("golden", "freeze", write_rows(here / "golden.jsonl", rows[:5]), *FREEZE)
    leaky = write_rows(here / "train.jsonl", [*rows[10:20], rows[3]])
    outcome = call("golden", "check", "golden/tickets", "--against", leaky)
    assert outcome.code == 3
    assert "train.jsonl, line 11 is identical to item 4" in outcome.out
    assert "1 identical" in outcome.err


def test_clean_training_rows_are_said_to_be_clean(call, here):
    rows = ticket_rows()
    call("golden", "freeze", write_rows(here / "golden.jsonl", rows[:5]), *FREEZE)
    outcome = call("golden", "check", "golden/tickets", "--against", write_rows(here / "train.jsonl", rows[10:20]))
    assert (outcome.code, "none of 10 rows" in outcome.out) == (0, True)


def test_a_changed_set_is_found(call, here):
    call("golden", "freeze", write_rows(here / "golden.jsonl", ticket_rows()[:5]), *FREEZE)
    manifest = here / "golden" / "tickets" / "v1" / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"author": "X"}), encoding="utf-8")
    outcome = call("golden", "check", "golden/tickets")
    assert (outcome.code, "manifest was changed" in outcome.err) == (3, True)


def test_what_is_no_golden_set_does_not_pass_the_check(call, here):
    outcome = call("golden", "check", "nowhere")
    assert (outcome.code, "nowhere is no golden set" in outcome.err) == (3, True)
