"""A study of four arms, as its file has it."""

EXAMPLE = """
name = "example"
question = "Which negatives matter?"
seeds = 3
baseline = "batch only"

[base]
steps = 4
memory = 128

[arms."batch only"]
memory = 0
learning_rate = 0.3

[arms."easy only"]
negative = "easy(0.5)"
learning_rate = 0.1

[arms.constant]
negative = "constant"
learning_rate = 0.2

[arms."step 0.5"]
negative = "step(0.5)"
learning_rate = 0.4

[sizes.quick]

[sizes.full]
steps = 40
seeds = [5, 7]
arms = ["constant", "batch only"]

[[findings]]
id = "F1"
claim = "hard negatives matter"
order = [["easy only"], ["constant"], ["step 0.5", "batch only"]]
"""
