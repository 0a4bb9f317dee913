"""The page at the root: a placeholder until the dashboard, which tells where things are."""

from __future__ import annotations

from starlette.responses import HTMLResponse

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>luthier</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}
code{background:#8882;padding:.1em .3em}</style></head>
<body>
<h1>luthier</h1>
<p>This server answers OpenAI's fine-tuning and inference API. Point a client's <code>base_url</code> at
<code>/v1</code> of this address.</p>
<ul>
<li><a href="/readyz">Is it ready?</a></li>
<li><a href="/openapi.json">What it answers</a> (OpenAPI)</li>
<li>Jobs: <code>GET /v1/fine_tuning/jobs</code></li>
</ul>
</body>
</html>
"""
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


async def page() -> HTMLResponse:
    return HTMLResponse(PAGE, headers=HEADERS)
