"""Many runs of `ttpoe`, on one machine or many: which there are, what each found, what it means."""
