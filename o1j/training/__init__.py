"""Fine-tuning: records to tokens and loss mask, a plan of steps, ranks under DeepSpeed's launcher, a whole export."""
