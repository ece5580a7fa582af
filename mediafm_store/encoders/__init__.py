"""Pretrained encoders: what a shot shows, sounds like and says, as blocks of a vector."""
