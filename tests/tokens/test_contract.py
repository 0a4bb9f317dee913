"""A run does not start on data that trains nothing, everything, no end, or half an answer."""

from dataclasses import replace

import pytest

from luthier.errors import DataError, TrainingError
from luthier.examples import Example, Message, Origin
from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.contract import check_contract
from luthier.tokens.encode import EncodedExample, encode_example


@pytest.fixture
def chat(make_tokenizer) -> ChatTemplate:
    return ChatTemplate(make_tokenizer())


def encode(chat: ChatTemplate, line: int, answer: str, weight: float = 1.0) -> EncodedExample:
    messages = (Message("user", "Where is my card?"), Message("assistant", answer, weight=weight))
    return encode_example(Example(messages, origin=Origin("rows.jsonl", line)), chat)


def test_a_sound_set_is_counted(chat):
    encoded = [encode(chat, 1, "There."), encode(chat, 2, "I do not know where it is.")]
    report = check_contract(encoded, chat, 1000)
    lengths = [len(e.branches[0].ids) for e in encoded]
    assert report.kept == tuple(encoded)
    assert report.counts["examples"] == report.counts["branches"] == 2
    assert report.counts["tokens"] == sum(lengths) and report.counts["longest"] == max(lengths)
    assert report.counts["trained_tokens"] == sum(e.branches[0].trained_tokens for e in encoded)
    assert report.notes == {"the model brings no chat template: the plain one is used": 2}


def test_nothing_to_train_stops_the_run(chat):
    with pytest.raises(DataError, match="nothing to train"):
        check_contract([encode(chat, 1, "There.", weight=0.0)], chat, 1000)


def test_no_example_at_all_stops_the_run(chat):
    with pytest.raises(DataError, match="none of 0 examples"):
        check_contract([], chat, 1000)


def test_everything_trained_stops_the_run(chat):
    branch = encode(chat, 1, "There.").branches[0]
    everything = EncodedExample((Branch(branch.ids, (1.0,) * len(branch.ids)),), Origin("rows.jsonl", 1))
    with pytest.raises(TrainingError, match="every token would be trained"):
        check_contract([everything], chat, 1000)


def test_one_answer_without_its_end_stops_the_run_and_is_named(chat):
    sound, other = encode(chat, 1, "There."), encode(chat, 2, "Here.")
    branch = other.branches[0]
    cut = replace(other, branches=(Branch(branch.ids[:-1], branch.weights[:-1]),))
    with pytest.raises(TrainingError, match=r"1 of 2 answers do not train the end.*rows\.jsonl, line 2.*plain"):
        check_contract([sound, cut], chat, 1000)


def test_an_end_that_is_only_read_does_not_count(chat):
    example = encode(chat, 1, "There.")
    branch = example.branches[0]
    unread = replace(example, branches=(Branch(branch.ids, (*branch.weights[:-1], 0.0)),))
    with pytest.raises(TrainingError, match="do not train the end"):
        check_contract([unread], chat, 1000)


def test_an_answer_that_does_not_fit_stops_the_run_and_names_the_setting(chat):
    encoded = [encode(chat, 1, "There."), encode(chat, 2, "There. " * 40)]
    longest = len(encoded[1].branches[0].ids)
    with pytest.raises(DataError, match=r"1 answers do not fit.*rows\.jsonl, line 2") as caught:
        check_contract(encoded, chat, longest - 1)
    assert f"data.max_tokens={longest}" in caught.value.fix and "skip-and-report" in caught.value.fix


def test_skipping_is_counted_and_never_truncates(chat):
    encoded = [encode(chat, 1, "There."), encode(chat, 2, "There. " * 40)]
    report = check_contract(encoded, chat, 60, "skip-and-report")
    assert report.kept == (encoded[0],)
    assert report.counts["skipped_too_long"] == report.counts["examples_skipped"] == 1
    assert report.skipped[0].startswith("rows.jsonl, line 2")


def test_the_turns_of_a_long_conversation_that_fit_are_kept(chat):
    short, long = encode(chat, 1, "There."), encode(chat, 1, "There. " * 40)
    both = replace(short, branches=short.branches + long.branches)
    report = check_contract([both], chat, 60, "skip-and-report")
    assert report.kept[0].branches == short.branches
    assert report.counts["skipped_too_long"] == 1 and report.counts["examples_skipped"] == 0


def test_skipping_everything_stops_the_run(chat):
    with pytest.raises(DataError, match="do not fit"):
        check_contract([encode(chat, 1, "There.")], chat, 3, "skip-and-report")


def test_no_limit_keeps_everything(chat):
    assert check_contract([encode(chat, 1, "There. " * 400)], chat, None).counts["examples"] == 1


def test_examples_without_a_trained_turn_are_not_kept(chat):
    report = check_contract([encode(chat, 1, "There."), encode(chat, 2, "Here.", weight=0.0)], chat, 1000)
    assert report.counts["examples"] == 1
    assert report.counts["examples_without_training"] == 1
