"""Layers: functions with Parameters."""

from .dropout import Dropout
from .embedding import Embedding, EmbedID
from .layer import Layer
from .linear import Linear
from .recurrent import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "Dropout", "EmbedID", "Embedding", "Layer", "Linear"]
