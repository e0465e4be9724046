"""Learning from answers that the model samples itself and a reward judges: PPO and GRPO, one small part a file."""
