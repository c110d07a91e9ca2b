"""Tests of `fateline_oracle.render.conform_html`."""
