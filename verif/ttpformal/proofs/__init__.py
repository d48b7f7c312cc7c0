"""The proofs, one file per package of `rtl/ttpoe`."""
