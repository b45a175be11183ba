"""What is learnt from runs: claims and their evidence, over the default, the ensemble and the prior."""
