"""The load test's clients: answers read to their end, errors counted, a 429 obeyed."""

import asyncio

from benchmarks.load_clients import Plan, run, text_of

CHUNKS = [
    b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n',
    b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n',
    b'data: {"choices": [{"delta": {"content": "lo"}}]}\n\n',
    b'data: {"choices": [], "usage": {"completion_tokens": 2}}\n\n',
]
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0.01\r\ncontent-length: 2\r\n\r\n{}"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}"


def chunked(parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


WHOLE = HEAD + chunked(CHUNKS)


def reported(answers, **asked):
    """What the clients say of a server that gives these answers, one after the other, a few bytes at a time."""
    waiting = list(answers)

    async def serve(reader, writer):
        while await reader.readuntil(b'{"n": 1}'):
            answer = waiting.pop(0)
            for start in range(0, len(answer), 37):
                writer.write(answer[start : start + 37])
                await writer.drain()
                await asyncio.sleep(0)

    async def both():
        async def until_gone(reader, writer):
            try:
                await serve(reader, writer)
            except asyncio.IncompleteReadError:
                writer.close()
                await writer.wait_closed()

        server = await asyncio.start_server(until_gone, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        plan = Plan("127.0.0.1", port, 1, [{"n": 1}], keeps_texts=True, **asked)
        try:
            return await run(plan)
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0.01)

    return asyncio.run(both())


def test_a_stream_is_read_to_its_end_however_it_arrives():
    report = reported([WHOLE, WHOLE], requests=2, tokens=2)
    assert (report.answers, report.tokens, report.wrong) == (2, 4, [])
    assert report.texts == [(0, "Hello"), (1, "Hello")]
    assert 0 < report.first_seconds[0] <= report.whole_seconds[0]


def test_whoever_is_told_to_come_again_does():
    report = reported([BUSY, BUSY, WHOLE], requests=1)
    assert (report.answers, report.told_busy, report.wrong) == (1, 2, [])


def test_errors_and_answers_of_another_length_are_wrong():
    report = reported([BROKEN, WHOLE], requests=2, tokens=3)
    assert report.answers == 0 and len(report.wrong) == 2


def test_the_text_is_put_together_from_its_pieces():
    assert text_of(chunked(CHUNKS)) == "Hello"
