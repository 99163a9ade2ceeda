"""Layers: functions with Parameters."""

from .dropout import Dropout
from .embedding import EmbedID, Embedding
from .layer import Layer
from .linear import Linear
from .recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Dropout", "EmbedID", "Embedding", "Layer", "Linear"]
