"""Layers: functions with Parameters."""

from .attention import MultiHeadAttention, TransformerBlock
from .convolution import Conv1d, Conv2d, Conv3d, Deconv1d, Deconv2d, Deconv3d
from .dropout import Dropout
from .embedding import Embedding, EmbedID
from .layer import Layer
from .linear import Linear
from .normalization import BatchNorm, LayerNorm, RMSNorm
from .recurrent import GRU, LSTM, RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Deconv1d",
    "Deconv2d",
    "Deconv3d",
    "Dropout",
    "EmbedID",
    "Embedding",
    "Layer",
    "LayerNorm",
    "Linear",
    "MultiHeadAttention",
    "RMSNorm",
    "TransformerBlock",
]
