"""What the tests of DeZero, and of programs that add ops to it, are made of."""
