"""The terms of the objective (Eq. 1), one file each: pure functions of tensors."""
