"""The page at the root: whether the server is ready, and how a client is pointed at it. No keys, names or contents."""

from __future__ import annotations

import re
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

from luthier.server.health import what_is_there
from luthier.server.state import ServerState

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}
<title>luthier · {status}</title>
<style>
:root {{ --paper: #fff; --panel: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --line: #d8dde3; --accent: #0a58a8;
  --ready: #12692f; --waiting: #8a5300; color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #14171b; --panel: #1d2126; --ink: #e7eaee; --soft: #a7b0ba;
  --line: #363d45; --accent: #7ab6ff; --ready: #7cd897; --waiting: #f0c05f; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; }}
main {{ max-width: 46rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 4rem) clamp(1rem, 4vw, 2.5rem); }}
header {{ display: flex; flex-wrap: wrap; align-items: baseline; gap: .5rem 1rem; }}
h1 {{ margin: 0; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; }}
h2 {{ margin: 2.25rem 0 .6rem; font-size: 1.125rem; }}
p {{ margin: .75rem 0; max-width: 40rem; }}
a {{ color: var(--accent); }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
.status {{ font-weight: 650; color: var(--{status}); }}
.status::before {{ content: ""; display: inline-block; width: .65rem; height: .65rem; margin-right: .5rem;
  border-radius: 50%; background: var(--{status}); }}
.soft {{ color: var(--soft); }}
code, pre {{ font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }}
code {{ overflow-wrap: anywhere; }}
pre {{ margin: .6rem 0; padding: .8rem 1rem; overflow-x: auto; background: var(--panel);
  border: 1px solid var(--line); border-radius: 6px; }}
dl {{ display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .35rem 1.5rem; margin: .6rem 0; }}
dd {{ margin: 0; color: var(--soft); }}
@media (max-width: 34rem) {{ dl {{ grid-template-columns: 1fr; gap: 0; }} dd {{ margin-bottom: .6rem; }} }}
</style>
</head>
<body>
<main>
<header><h1>luthier</h1><span class="status">{words}</span></header>
<p>This server answers OpenAI's fine-tuning and inference API: files, fine-tuning jobs, models, chat completions,
responses, embeddings, batches, evals.</p>

<h2>Point a client here</h2>
<pre>export OPENAI_BASE_URL={url}/v1
export OPENAI_API_KEY=sk-...</pre>
<p>The official clients read these two variables; a program that was written for OpenAI goes on as it is.
{key}</p>
<pre>from openai import OpenAI

client = OpenAI()
print([model.id for model in client.models.list()])</pre>

<h2>Look inside</h2>
<dl>
<dt><a href="/readyz">/readyz</a></dt><dd>whether it can work, and what is missing</dd>
<dt><a href="/healthz">/healthz</a></dt><dd>whether the process lives</dd>
<dt><a href="/openapi.json">/openapi.json</a></dt><dd>everything it answers, for machines</dd>
<dt><code>/metrics</code></dt><dd>counters for Prometheus{metrics}</dd>
<dt><code>/v1/models</code></dt><dd>the models of your project</dd>
<dt><code>/v1/fine_tuning/jobs</code></dt><dd>its jobs; <code>/events</code> below each</dd>
</dl>
<p class="soft">luthier's docs/serving.md tells how to run it for a team, docs/leaving-openai.md how to move here.</p>
</main>
</body>
</html>
"""
WORDS = {"database": "the database is away", "inference": "the models are being loaded"}
KEY = "A key is made on the server's machine with <code>luthier keys create --name me</code>."
OPEN = "Access is open: any text will do as the key."
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def page(request: Request) -> HTMLResponse:
    state: ServerState = request.app.state.luthier
    missing = [part for part, is_there in what_is_there(state).items() if not is_there]
    text = PAGE.format(
        status="waiting" if missing else "ready",
        words=" and ".join(WORDS[part] for part in missing) or "ready",
        refresh='\n<meta http-equiv="refresh" content="2">' if missing else "",
        url=escape(_address(request)),
        key=OPEN if state.settings.access == "open" else KEY,
        metrics=", with an admin key" if state.settings.metrics == "admin" else "",
    )
    return HTMLResponse(text, headers=HEADERS)


def _address(request: Request) -> str:
    """As the visitor reached it; a Host header that holds anything but a name and a port is not repeated."""
    host = request.headers.get("host", "")
    if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", host):
        return "http://ADDRESS"
    return f"{request.url.scheme}://{host}"
