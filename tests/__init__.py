"""The tests. The folders mirror the packages; what concerns the whole house lies here."""
