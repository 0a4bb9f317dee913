"""Branches for property tests: up to 200 tokens in all, forking anywhere from earlier ones, repeats included."""

from hypothesis import strategies as st

from luthier.tokens import Branch


@st.composite
def forking_branches(draw, most_tokens=200, most_branches=16):
    token = st.integers(0, 5)
    written = [draw(st.lists(token, min_size=1, max_size=40))]
    for _ in range(draw(st.integers(0, most_branches - 1))):
        earlier = written[draw(st.integers(0, len(written) - 1))]
        beginning = earlier[: draw(st.integers(0, len(earlier)))]
        ids = beginning + draw(st.lists(token, min_size=0 if beginning else 1, max_size=20))
        if sum(map(len, written)) + len(ids) > most_tokens:
            break
        written.append(ids)
    return [Branch(tuple(ids), (0.0, *[1.0] * (len(ids) - 1))) for ids in written]
