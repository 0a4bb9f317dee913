"""What a run has to show: report.json, report.html and the model card, all drawn from one Report."""

from luthier.evaluation.report.card import render_card
from luthier.evaluation.report.html import render_html
from luthier.evaluation.report.schema import (
    Arm,
    Baseline,
    Comparison,
    Effort,
    Forgetting,
    Item,
    ItemAnswer,
    Items,
    Ledger,
    Licence,
    Overfitting,
    Report,
    RunInfo,
    Score,
    Verdict,
    json_schema,
    json_schema_text,
    report_json,
    validate_report,
)
from luthier.evaluation.report.write import ReportFiles, write_report

__all__ = [
    "Arm",
    "Baseline",
    "Comparison",
    "Effort",
    "Forgetting",
    "Item",
    "ItemAnswer",
    "Items",
    "Ledger",
    "Licence",
    "Overfitting",
    "Report",
    "ReportFiles",
    "RunInfo",
    "Score",
    "Verdict",
    "json_schema",
    "json_schema_text",
    "render_card",
    "render_html",
    "report_json",
    "validate_report",
    "write_report",
]
