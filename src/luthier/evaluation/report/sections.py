"""The parts of a report that stages leave in files of their own: forgetting, gaps, licence, costs, advice.

Each reads its stage's file as it stands, so a page can be drawn again from an old run folder.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt

from luthier.evaluation.report.fields import Amount, Colour, Facts, LeftPart, Part, Share, Text


class Estimate(LeftPart):
    """A mean with its 95 % interval, of shares or of nats."""

    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    n: PositiveInt


class Measure(LeftPart):
    """One line of the forgetting table. Thresholds speak of ``change``; grey is not judged."""

    name: Text
    base: FiniteFloat | None = None
    tuned: FiniteFloat | None = None
    change: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    n: NonNegativeInt
    threshold_amber: FiniteFloat | None = None
    threshold_red: FiniteFloat | None = None
    colour: Colour
    sentence: Text


class Flip(LeftPart):
    """An item of the battery that one of base and tuned got right."""

    name: Text
    group: Text = ""
    language: Text = ""
    question: Text = ""
    right_answer: Text = ""
    base: Text = ""
    tuned: Text = ""
    is_won: bool


class FlipGroup(LeftPart):
    """One ability: items, right before and after tuning."""

    items: NonNegativeInt
    base_right: NonNegativeInt
    tuned_right: NonNegativeInt
    won: NonNegativeInt
    lost: NonNegativeInt


class Flips(LeftPart):
    """Items of the battery won and lost by tuning."""

    won: NonNegativeInt
    lost: NonNegativeInt
    groups: dict[str, FlipGroup] = Field(default_factory=dict)
    items: tuple[Flip, ...] = ()


class Memorisation(LeftPart):
    """Shares of answers continued word for word: of rows trained on, and of rows held out.

    Where answers are too short to be continued, only the planted ``canaries`` are told.
    """

    train: Estimate | None = None
    held_out: Estimate | None = None
    gap: FiniteFloat | None = None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    colour: Colour = "grey"
    sentence: Text = "Answers are too short to tell learning by heart from learning."
    canaries: Facts | None = None


class Forgetting(LeftPart):
    """What the tuned model lost of what the base could do."""

    verdict: Text = Field(description='"green", "amber", "red", or "grey" where it could not be judged.')
    sentence: Text
    measures: tuple[Measure, ...] = ()
    flips: Flips | None = None
    memorisation: Memorisation | None = None
    languages: tuple[Text, ...] = ()
    remedies: tuple[Text, ...] = ()
    facts: Facts = Field(default_factory=dict)


class SetGap(LeftPart):
    """Loss on one set minus that on training rows, for tuned and base, in nats per trained token."""

    name: Text
    loss: Estimate
    gap: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    base_gap: FiniteFloat


class SetGaps(LeftPart):
    """How much worse answers are foreseen that were not trained on: validation and golden rows."""

    train: Estimate
    gaps: tuple[SetGap, ...] = ()
    best_step: NonNegativeInt | None = None
    sentence: Text


class LicenceComponent(LeftPart):
    """One thing that the tuned model is made from."""

    role: Text
    name: Text
    licence: Text
    source: Text = ""
    is_confirmed: bool = False


class LicensedUse(LeftPart):
    """One use and whether the licences allow it: allowed, conditions, forbidden, unknown."""

    use: Text
    state: Text
    sentence: Text
    because: tuple[Text, ...] = ()


class Duty(LeftPart):
    """What has to be done, and the sentence of the licence that says so."""

    sentence: Text
    rule: Text = ""
    when: Text = ""
    source: Text = ""
    quote: Text = ""
    checked_on: Text = ""


class Licence(LeftPart):
    """What the licences of base, data and teacher allow and ask for."""

    base: Text | None = Field(default=None, description="The licence as the base model states it, best as SPDX.")
    sentence: Text | None = None
    components: tuple[LicenceComponent, ...] = ()
    allowed: tuple[LicensedUse, ...] = ()
    duties: tuple[Duty, ...] = ()
    unknown: tuple[Text, ...] = ()
    notice: Text = ""
    checked_on: Text | None = None


class Effort(LeftPart):
    """What training takes, predicted or measured."""

    minutes: Amount | None = None
    peak_memory_bytes: NonNegativeInt | None = None
    computed_tokens: NonNegativeInt | None = None
    operations: NonNegativeInt | None = Field(default=None, description="Floating-point operations, counted.")
    energy_watt_hours: Amount | None = None
    energy_source: Text | None = Field(default=None, description='"measured" or "estimated".')
    energy_explanation: Text | None = None
    money: Amount | None = None


class RequestPrice(LeftPart):
    """What 1,000 requests of one arm cost, and what they take."""

    money: Amount | None = None
    source: Text = ""
    prompt_tokens: Amount | None = None
    completion_tokens: Amount | None = None
    seconds: Amount | None = None


class BreakEven(LeftPart):
    """From how many requests on tuning has paid for itself against one arm; null means never."""

    against: Text
    sentence: Text
    requests: NonNegativeInt | None = None
    months: Amount | None = None
    saved_per_1000_requests: FiniteFloat | None = None


class Prices(LeftPart):
    """Whose prices these are."""

    currency: Text = ""
    checked_on: Text | None = None
    are_examples: bool = False
    hardware: Text | None = None


class Retrieval(LeftPart):
    """Whether the right passage was found: shares of ``n`` items, among the first k and among those shown."""

    k: NonNegativeInt
    recall_at_k: Share
    recall_at_1: Share | None = None
    recall_shown: Share | None = None
    n: PositiveInt
    judged_by: Text = ""
    looked_up_in: Text = ""


class Trial(LeftPart):
    """One way of asking, tried on validation rows."""

    name: Text
    mean: FiniteFloat
    rows: NonNegativeInt


class Choice(LeftPart):
    """What was chosen on validation rows, among which trials."""

    about: Text
    chosen: Text
    metric: Text = ""
    trials: tuple[Trial, ...] = ()


class AdviceReason(LeftPart):
    """One reason and the figures it rests on."""

    sentence: Text
    evidence: Facts = Field(default_factory=dict)


class AdviceStep(LeftPart):
    """One question on the way to the advice."""

    question: Text
    found: Text
    went: Text


class Advice(LeftPart):
    """What to do now, why, and what would change it."""

    answer: Text
    sentence: Text
    basis: Text = "measured"
    arm: Text | None = None
    reasons: tuple[AdviceReason, ...] = ()
    path: tuple[AdviceStep, ...] = ()
    would_change: tuple[Text, ...] = ()


class Ledger(Part):
    """What the run cost against what was predicted, and what requests cost from now on."""

    predicted: Effort
    calibrated: Effort | None = Field(
        default=None, description="Foretold again after the first steps; null where there were too few."
    )
    actual: Effort
    trained_tokens: NonNegativeInt = Field(description="Tokens that carried loss, over all steps.")
    given_tokens: NonNegativeInt = Field(description="Tokens of all examples, over all steps, before folding.")
    computed_tokens: NonNegativeInt = Field(description="Tokens that went through the model after folding.")
    steps: NonNegativeInt = Field(description="Optimizer steps that count; those undone by rollbacks do not.")
    rollbacks: NonNegativeInt = Field(
        default=0, description="How often an unstable training went back to an earlier state, with half the rate."
    )
    energy: Amount | None = Field(default=None, description="Watt-hours of training; null when not known.")
    money: Amount | None = Field(default=None, description="Money for training; null without a price.")
    cost_per_1000_requests: dict[str, RequestPrice] = Field(default_factory=dict, description="By arm.")
    break_even: dict[str, BreakEven] = Field(default_factory=dict, description="By the arm tuning is held against.")
    prices: Prices | None = None
