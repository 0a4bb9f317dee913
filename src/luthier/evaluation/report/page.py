"""What all pages have in common: one file each, our style and our one script inside, a policy against others."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from luthier.evaluation.report import wording
from luthier.evaluation.report.browser import Browser, browser_json


def render_page(template: str, browser: Browser | None, **known: Any) -> str:
    """Fill ``template``; everything that a user or a model wrote is escaped by it, or by `browser_json`."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    loader = FunctionLoader(package_text)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["visible"] = wording.visible
    script = package_text("items.js") if browser else ""
    return page.get_template(template).render(
        write=wording,
        css=Markup(package_text("report.css")),
        policy=_policy(script),
        script=Markup(script),
        items_data=Markup(browser_json(browser)) if browser else None,
        **known,
    )


def package_text(name: str) -> str:
    return resources.files("luthier.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing is fetched and no script runs but ours, which is named by its hash."""
    rules = [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
        rules.insert(1, f"script-src 'sha256-{digest}'")
    return "; ".join(rules)
