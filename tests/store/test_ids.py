"""Ids sort as they were made."""

from luthier.store import new_id, new_model_tag


def test_ids_sort_in_the_order_of_their_making_and_have_their_prefix():
    ids = [new_id("ftjob-") for _ in range(200)]
    assert len(set(ids)) == 200 and all(id.startswith("ftjob-") and len(id) == 32 for id in ids)
    by_time = [id[:16] for id in ids]
    assert by_time == sorted(by_time)


def test_a_models_tag_has_eight_letters_or_digits():
    assert all(len(tag) == 8 and tag.isalnum() for tag in (new_model_tag() for _ in range(100)))
