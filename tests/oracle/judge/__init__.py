"""Tests of the judge: law and engine side by side."""
