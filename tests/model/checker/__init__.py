"""Tests of the law's checker."""
