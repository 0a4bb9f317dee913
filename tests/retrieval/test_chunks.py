"""Passages are slices of their documents that respect headings and sentences."""

from hypothesis import given
from hypothesis import strategies as st

from luthier.retrieval import Chunk, ChunkSize, Document, chunk_document, chunk_documents

GUIDE = """Before any heading.

# Setup

First plug it in. Then wait for the light. It turns green.

## Reset

- Hold the button.
- Let go after ten seconds.

```
# not a heading
reset --now
```

Other
-----

Nothing else.
"""


def chunks_of(text: str, is_markdown: bool = True, **size) -> list[Chunk]:
    return list(chunk_document(Document("d", text, is_markdown), ChunkSize(**size)))


def test_each_section_is_its_own_passage_under_its_path_of_headings():
    found = [(chunk.heading, chunk.text.split("\n")[0]) for chunk in chunks_of(GUIDE)]
    assert found == [
        ("", "Before any heading."),
        ("Setup", "First plug it in. Then wait for the light. It turns green."),
        ("Setup > Reset", "- Hold the button."),
        ("Setup > Other", "Nothing else."),
    ]


def test_a_hash_within_a_code_fence_is_no_heading():
    assert "# not a heading\nreset --now" in chunks_of(GUIDE)[2].text


def test_long_sections_are_cut_at_sentences_that_overlap_by_one():
    text = "Alpha one two. Beta one two. Gamma one two. Delta one two."
    assert [chunk.text for chunk in chunks_of(text, most=6)] == [
        "Alpha one two. Beta one two.",
        "Beta one two. Gamma one two.",
        "Gamma one two. Delta one two.",
    ]
    assert [chunk.text for chunk in chunks_of(text, most=6, overlap_sentences=0)] == [
        "Alpha one two. Beta one two.",
        "Gamma one two. Delta one two.",
    ]


def test_list_items_stay_whole():
    text = "- one two three four\n- five six seven eight\n- nine ten eleven twelve"
    assert [chunk.text for chunk in chunks_of(text, most=9, overlap_sentences=0)] == [
        "- one two three four",
        "- five six seven eight",
        "- nine ten eleven twelve",
    ]


def test_an_endless_sentence_is_halved_until_it_fits():
    found = chunks_of("word " * 100, most=30)
    assert len(found) == 4 and all(len(chunk.text.split()) <= 30 for chunk in found)
    assert all(len(chunk.text) <= 10 for chunk in chunks_of("雪" * 35, most=10, measure=len))


def test_plain_text_has_no_headings():
    assert [chunk.heading for chunk in chunks_of("# not markdown", is_markdown=False)] == [""]


@given(st.text(alphabet="ab .!?\n#-`。雪|1", max_size=200), st.integers(1, 12), st.integers(0, 2), st.booleans())
def test_passages_are_slices_within_their_size_and_lose_no_word(text, most, overlap, is_markdown):
    size = ChunkSize(most, overlap, len)
    found = chunk_documents([Document("d", text, is_markdown)], size)
    assert all(chunk.text == text[chunk.start : chunk.end] and len(chunk.text) <= most for chunk in found)
    held = {place for chunk in found for place in range(chunk.start, chunk.end)}
    if not is_markdown:
        assert all(place in held for place, letter in enumerate(text) if not letter.isspace())
