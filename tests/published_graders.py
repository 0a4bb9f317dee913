"""Grader examples as OpenAI's contract, reference and guide print them, each with an item, a sample and its reward."""

COMPLIANT = {
    "type": "multi",
    "graders": {
        "explanation": {
            "name": "Explanation text grader",
            "type": "score_model",
            "input": [{"role": "user", "type": "message", "content": "Rate {{sample.output_json.explanation}}"}],
            "model": "gpt-4o-2024-08-06",
        },
        "compliant": {
            "name": "compliant",
            "type": "string_check",
            "reference": "{{item.compliant}}",
            "operation": "eq",
            "input": "{{sample.output_json.compliant}}",
        },
    },
    "calculate_output": "0.5 * compliant + 0.5 * explanation",
}
TOOL_CALLS = {
    "type": "multi",
    "graders": {
        "function_name": {
            "name": "function_name",
            "type": "string_check",
            "input": "get_acceptors",
            "reference": "{{sample.output_tools[0].function.name}}",
            "operation": "eq",
        },
        "arguments": {
            "name": "arguments",
            "type": "string_check",
            "input": '{"smiles": "{{item.smiles}}"}',
            "reference": "{{sample.output_tools[0].function.arguments}}",
            "operation": "eq",
        },
    },
    "calculate_output": "0.5 * function_name + 0.5 * arguments",
}
NAME_AND_EMAIL = {
    "type": "multi",
    "graders": {
        "name": {
            "name": "name_grader",
            "type": "text_similarity",
            "input": "{{sample.output_json.name}}",
            "reference": "{{item.name}}",
            "evaluation_metric": "fuzzy_match",
            "pass_threshold": 0.9,
        },
        "email": {
            "name": "email_grader",
            "type": "string_check",
            "input": "{{sample.output_json.email}}",
            "reference": "{{item.email}}",
            "operation": "eq",
        },
    },
    "calculate_output": "(name + email) / 2",
}
FUZZY_PYTHON = {
    "type": "python",
    "source": "\nfrom rapidfuzz import fuzz, utils\n\ndef grade(sample, item) -> float:\n"
    '    output_text = sample["output_text"]\n    reference_answer = item["reference_answer"]\n'
    "    return fuzz.WRatio(output_text, reference_answer, processor=utils.default_process) / 100.0\n",
}
TYPED_PYTHON = {
    "type": "python",
    "source": "from typing import Any\n\ndef grade(sample: dict[str, Any], item: dict[str, Any]) -> float:\n"
    "    # your logic here\n    return 1.0\n",
    "image_tag": "2025-05-08",
}
SCORE_MODEL = {
    "type": "score_model",
    "name": "my_score_model",
    "input": [
        {"role": "system", "content": "You are an expert grader. If the answers match, output a score of 1."},
        {"role": "user", "content": "Reference: {{ item.reference_answer }}. Model answer: {{ sample.output_text }}"},
    ],
    "pass_threshold": 0.5,
    "model": "o4-mini-2025-04-16",
    "range": [0, 1],
    "sampling_params": {"max_completions_tokens": 32768, "top_p": 1, "reasoning_effort": "medium"},
}
LABEL_MODEL = {
    "type": "label_model",
    "name": "First label grader",
    "input": [
        {"type": "message", "role": "system", "content": {"type": "input_text", "text": "Classify the sentiment."}},
        {"type": "message", "role": "user", "content": {"type": "input_text", "text": "Statement: {{item.response}}"}},
    ],
    "passing_labels": ["positive"],
    "labels": ["positive", "neutral", "negative"],
    "model": "gpt-4o-mini",
}
CLOSE = {
    "type": "text_similarity",
    "name": "close",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "evaluation_metric": "fuzzy_match",
}
CATEGORY = {
    "name": "Match label",
    "type": "string_check",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.correct_label }}",
    "operation": "eq",
}
# (grader, item, answer, tool calls, reward)
PUBLISHED = [
    (CATEGORY, {"correct_label": "Hardware"}, "Hardware", (), 1.0),
    (CLOSE, {"label": "fuzzy wuzzy"}, "fuzzy wuzzy", (), 1.0),
    (
        NAME_AND_EMAIL,
        {"name": "John Doe", "email": "john.doe@gmail.com"},
        '{"name": "John Doe", "email": "x@gmail.com"}',
        (),
        0.5,
    ),
    (
        TOOL_CALLS,
        {"smiles": "CCO"},
        "",
        (
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_acceptors", "arguments": '{"smiles": "CCO"}'},
            },
        ),
        1.0,
    ),
    (COMPLIANT, {"compliant": "yes"}, '{"compliant": "yes", "explanation": "so"}', (), 0.75),
    (SCORE_MODEL, {"reference_answer": 1.0}, "0.9", (), 0.5),
    (LABEL_MODEL, {"response": "I love it"}, "", (), 1.0),
    (FUZZY_PYTHON, {"reference_answer": "fuzzy wuzzy had no hair"}, "fuzzy wuzzy was a bear", (), 0.7556),
    (TYPED_PYTHON, {}, "anything", (), 1.0),
]
