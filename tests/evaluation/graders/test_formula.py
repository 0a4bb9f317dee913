import math
import random

import pytest

from luthier.evaluation.graders import FormulaError, parse_formula

NUMBERS = {"a": 0.5, "b": 2.0, "name": 3.0, "max": 7.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5 * a + 0.5 * b", 1.25),
        ("(name + b) / 2", 2.5),
        ("2 ^ 3 ^ 2", 512.0),
        ("-b ^ 2", -4.0),
        ("2 ^ -1", 0.5),
        ("- -a", 0.5),
        ("8 / 4 / 2", 1.0),
        ("5 - 2 - 1", 2.0),
        ("min(a, b, 0.1) + max(a, b)", 2.1),
        ("max", 7.0),
        ("abs(-3) + floor(1.9) + ceil(1.1) + sqrt(4) + exp(0) + log(1)", 9.0),
        ("1e-3 + .5 + 2.", 2.501),
        ("(100 - abs(name - b)) / 100", 0.99),
    ],
)
def test_formulas_mean_what_they_mean_on_paper(text, value):
    assert parse_formula(text, list(NUMBERS)).value(NUMBERS) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "a b",
        "(a",
        "a)",
        "unknown",
        "a ** b",
        "a.real",
        "a[0]",
        "__import__('os')",
        "min()",
        "log(1, 2)",
        "a; b",
        "a if b",
        "0x10",
        "1_000",
        "sin(a)",
        "max(a b)",
        "a = 1",
        "lambda: 1",
        "(" * 500 + "a" + ")" * 500,
        "-" * 500 + "a",
    ],
)
def test_whatever_is_no_formula_is_refused(text):
    with pytest.raises(FormulaError):
        parse_formula(text, list(NUMBERS))


@pytest.mark.parametrize(
    "text", ["1 / (a - a)", "sqrt(-1)", "log(0)", "(-8) ^ 0.5", "10 ^ 400", "exp(1000)", "9 ^ 9 ^ 9 ^ 9"]
)
def test_a_formula_without_a_value_is_told_while_grading(text):
    formula = parse_formula(text, list(NUMBERS))
    with pytest.raises(FormulaError):
        formula.value(NUMBERS)


def test_a_long_sum_is_no_deep_one():
    assert parse_formula("+".join(["a"] * 300), ["a"]).value({"a": 1.0}) == 300


def test_1000_random_formulas_equal_pythons_own_arithmetic():
    draw = random.Random(5)
    functions = {"min": min, "max": max, "abs": abs, "sqrt": math.sqrt, "exp": math.exp, "log": math.log}

    def written(depth: int) -> str:
        kind = draw.randint(0, 6) if depth else draw.randint(0, 1)
        match kind:
            case 0:
                return draw.choice(["a", "b", "name"])
            case 1:
                return f"{draw.uniform(0, 3):.3f}"
            case 2:
                return f"-{written(depth - 1)}"
            case 3:
                return f"({written(depth - 1)})"
            case 4:
                return f"{draw.choice(['min', 'max'])}({written(depth - 1)}, {written(depth - 1)})"
            case 5:
                return f"{draw.choice(['abs', 'sqrt', 'exp', 'log'])}({written(depth - 1)})"
            case _:
                return f"{written(depth - 1)} {draw.choice('+-*/^')} {written(depth - 1)}"

    checked = 0
    for _ in range(1000):
        text = written(4)
        try:
            # Python is the reference here, on text of our own making; the product never does this.
            expected = eval(text.replace("^", "**"), {"__builtins__": {}}, {**functions, **NUMBERS, "max": max})
        except (ArithmeticError, ValueError):
            expected = None
        formula = parse_formula(text, list(NUMBERS))
        if expected is None or isinstance(expected, complex) or not math.isfinite(expected):
            with pytest.raises(FormulaError):
                formula.value(NUMBERS)
        else:
            assert formula.value(NUMBERS) == pytest.approx(expected), text
            checked += 1
    assert checked > 700
