"""One file a finding of the analyses that this project began with: the engine cannot do it any more."""
