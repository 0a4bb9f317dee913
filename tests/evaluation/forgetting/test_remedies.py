"""Remedies name settings that can be pasted, the smallest change first."""

from luthier.evaluation.forgetting import HowTuned, remedies


def test_an_early_best_step_gives_the_number_of_epochs():
    first = remedies(HowTuned("lora", 16, 30, 1e-3, best_step=100, steps=1000), has_memorised=True)[0]
    assert "--set training.epochs=3," in first


def test_without_one_epochs_are_halved_and_a_single_one_is_left_alone():
    assert "training.epochs=3)" in remedies(HowTuned("lora", 16, 6, 1e-3, None, 600), has_memorised=False)[0]
    assert "epochs" not in remedies(HowTuned("lora", 16, 1, 1e-3, 100, 100), has_memorised=False)[0]


def test_full_tuning_is_offered_lora_and_lora_a_lower_rank():
    full = " ".join(remedies(HowTuned("full", None, 1, 1e-3, None, 10), False))
    lora = " ".join(remedies(HowTuned("lora", 16, 1, 1e-3, None, 10), False))
    assert "LoRA instead" in full and "method.rank=8" in lora
    assert "Replay" in full and "Self-distillation" in lora
