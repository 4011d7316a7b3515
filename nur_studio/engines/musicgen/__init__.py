"""MusicGen: its checkpoints, a decoding loop over their weights, and the codec that turns tokens into sound.

Imported in the engine process only: the modules here are made of torch.
"""
