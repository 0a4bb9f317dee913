"""The page at the root: ready or not, how a client is pointed here, and nothing that belongs to a project."""

from __future__ import annotations

import httpx


def test_the_page_tells_where_a_client_is_pointed(server):
    answer = httpx.get(server.url)

    assert answer.status_code == 200 and "text/html" in answer.headers["content-type"]
    assert f"OPENAI_BASE_URL={server.url}/v1" in answer.text
    assert '<span class="status">ready</span>' in answer.text and "refresh" not in answer.text


def test_the_page_runs_no_script_and_repeats_no_odd_host(server):
    answer = httpx.get(server.url, headers={"host": "a<script>b"})

    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_page_tells_nothing_of_a_project(server):
    server.new_project("secret-team")

    text = httpx.get(server.url).text

    assert "secret-team" not in text and "gpt-4o" not in text
