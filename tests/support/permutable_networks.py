"""Networks whose channels can be permuted, each with what it is called with."""

import torch
from torch import nn
from torch.nn import functional

from landscape_cli.problems.zoo.densenet import DenseNet
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.problems.zoo.vgg import VGG

IMAGES = (torch.linspace(-2, 2, 4 * 64).sin() * 3).reshape(4, 1, 8, 8)
SEQUENCES = (torch.linspace(-1, 1, 90) * 7).cos().reshape(3, 5, 6)
TOKENS = torch.arange(15).reshape(3, 5) % 11


class Flat(nn.Sequential):
    """Layers, and a linear layer to three outputs on what they return, flattened."""

    def __init__(self, entries, *layers):
        super().__init__(*layers, nn.Flatten(), nn.Linear(entries, 3))


class Encoder(nn.Module):
    """PyTorch's own transformer encoder, between two linear layers."""

    def __init__(self, **settings):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, **settings)
        self.inputs = nn.Linear(6, 16)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.outputs = nn.Linear(16, 3)

    def forward(self, sequences):
        return self.outputs(self.encoder(self.inputs(sequences)).mean(1))


class Attention(nn.Module):
    """PyTorch's attention, with or without the weights that it returns."""

    def __init__(self, weights):
        super().__init__()
        self.inputs = nn.Linear(6, 16)
        self.attention = nn.MultiheadAttention(16, 4, kdim=6, vdim=6, batch_first=True)
        self.outputs = nn.Linear(16, 3)
        self.weights = weights

    def forward(self, sequences):
        found, weights = self.attention(
            self.inputs(sequences), sequences, sequences, need_weights=self.weights
        )
        return self.outputs(found), weights


class Language(nn.Module):
    """Attention as in nanoGPT, with the output tied to the embedding, and control by shapes."""

    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.norm, self.attention = nn.LayerNorm(8), nn.Linear(8, 24)
        self.projection, self.up, self.down = nn.Linear(8, 8), nn.Linear(8, 12), nn.Linear(12, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens):
        batch, length = tokens.shape
        assert length <= 6
        x = self.tokens(tokens) + self.places(torch.arange(length, device=tokens.device))
        parts = self.attention(self.norm(x)).split(8, dim=2)
        heads = [part.view(batch, length, 2, 4).transpose(1, 2) for part in parts]
        y = functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.projection(y.transpose(1, 2).reshape(batch, length, 8))
        return self.head(x + self.down(functional.gelu(self.up(x))))


class Vision(nn.Module):
    """A vision transformer with patches, a class token, fused queries, keys and values, einsum."""

    def __init__(self, norm):
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 2, 2)
        self.first = nn.Parameter(torch.randn(1, 1, 16))
        self.places = nn.Parameter(torch.randn(1, 17, 16))
        self.norm, self.fused = nn.LayerNorm(16), nn.Linear(16, 48)
        self.query_norm = nn.LayerNorm(4) if norm else nn.Identity()
        self.projection, self.head = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(len(x), -1, -1), x], 1) + self.places
        fused = self.fused(self.norm(x)).reshape(len(x), x.shape[1], 3, 4, 4)
        query, key, value = fused.permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.einsum("bhqd,bhkd->bhqk", self.query_norm(query), self.query_norm(key))
        found = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        return self.head((x + self.projection(found))[:, 0])


class Concatenated(nn.Module):
    """Concatenation, addition, channel attention, layer scale, padding, channels last."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)
        self.both, self.fewer = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 5, 1)
        self.squeeze, self.excite = nn.Linear(5, 3), nn.Linear(3, 5)
        self.scale, self.head = nn.Parameter(torch.randn(5, 1, 1)), nn.Linear(5 * 64, 3)

    def forward(self, images):
        x = torch.cat([self.one(images).relu(), self.other(images)], 1)
        x = self.fewer(x + self.both(x)) * self.scale
        x = x * self.excite(self.squeeze(x.mean((2, 3))).relu()).sigmoid()[:, :, None, None]
        x = functional.pad(x, (1, 1, 1, 1))[:, :, 1:-1, 1:-1]
        return self.head(x.permute(0, 2, 3, 1).reshape(len(x), -1))


class Padded(nn.Module):
    """A shortcut that pads channels with zeros, as in the first residual networks."""

    def __init__(self):
        super().__init__()
        self.stem, self.wider = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.head = nn.Linear(8, 3)

    def forward(self, images):
        x = self.stem(images).relu()
        x = self.wider(x) + functional.pad(x, (0, 0, 0, 0, 2, 2))
        return self.head(x.amax((2, 3)))


class Gated(nn.Module):
    """Halves of a layer that are multiplied."""

    def __init__(self):
        super().__init__()
        self.fused, self.down = nn.Linear(64, 32), nn.Linear(16, 7)
        self.wide, self.head = nn.Linear(7, 12), nn.Linear(6, 3)

    def forward(self, images):
        one, other = self.fused(images.flatten(1)).chunk(2, -1)
        hidden = self.down(functional.silu(one) * other)
        return self.head(functional.glu(self.wide(hidden)))


class Shuffled(nn.Module):
    """Grouped convolutions with a channel shuffle between them, and pixels from channels."""

    def __init__(self):
        super().__init__()
        self.stem, self.first = nn.Conv2d(1, 8, 1), nn.Conv2d(8, 8, 1, groups=2)
        self.second, self.up = nn.Conv2d(8, 8, 3, padding=1, groups=4), nn.Conv2d(8, 8, 1)
        self.last, self.head = nn.Conv2d(2, 6, 1), nn.Linear(6, 3)

    def forward(self, images):
        x = self.first(self.stem(images))
        n, c, h, w = x.shape
        x = self.second(x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))
        x = self.last(functional.pixel_shuffle(self.up(x), 2))
        return self.head(x.mean((2, 3)))


class InPlace(nn.Module):
    """Writing into parts of tensors."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 8, 1), nn.Conv2d(8, 8, 1)
        self.last, self.head = nn.Conv2d(8, 6, 1), nn.Linear(6, 3)

    def forward(self, images):
        x = self.one(images)
        x[:, :3] = 0.1
        y = self.other(x)
        y += x
        y[:, 2:4].mul_(2)
        y[:, 6] = y[:, 7]
        filled = torch.zeros(len(x), 8, 8, 8)
        filled[:] = y
        return self.head(self.last(filled.relu_()).amax((2, 3)))


class Copied(nn.Module):
    """Zeros that are seen through a view, and then filled."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 8, 1), nn.Conv2d(1, 8, 1)
        self.head = nn.Linear(8, 3)

    def forward(self, images):
        zeros = torch.zeros(len(images), 8, 8, 8)
        view = zeros.view(len(images), 8, 64)
        zeros.copy_(self.one(images))
        return self.head((view + self.other(images).flatten(2)).relu().amax(2))


class Recurrent(nn.Module):
    """A recurrent layer, with its last state or without."""

    def __init__(self, kind, state, **settings):
        super().__init__()
        self.layer = kind(6, 5, batch_first=True, **settings)
        width = settings.get("proj_size") or 5
        self.head = nn.Linear(width * (1 + settings.get("bidirectional", False)), 3)
        self.of_state = nn.Linear(width, 3) if state else None

    def forward(self, sequences):
        outputs, state = self.layer(sequences)
        found = self.head(outputs[:, -1])
        if self.of_state is None:
            return found
        state = state[0] if isinstance(state, tuple) else state
        return found, self.of_state(state[-1])


class Causal(nn.Module):
    """Attention over channels, of which each sees those before it."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv1d(8, 6, 1), nn.Conv1d(6, 5, 1)
        self.head = nn.Linear(40, 3)

    def forward(self, images):
        x = self.first(images[:, 0])
        x = functional.scaled_dot_product_attention(x, x, x, is_causal=True)
        return self.head(self.last(x).flatten(1))


class Unknown(nn.Module):
    """A transform of which nothing is known between two hidden layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(64, 8), nn.Linear(5, 9)
        self.head = nn.Linear(9, 3)

    def forward(self, images):
        x = self.first(images.flatten(1))
        return self.head(self.second(torch.fft.rfft(x, dim=-1).abs()).relu())


class Parametrized(nn.Module):
    """Weights that are computed: by weight norm, spectral norm, and a mask from their sign."""

    def __init__(self):
        super().__init__()
        parametrizations = nn.utils.parametrizations
        self.first = parametrizations.weight_norm(nn.Conv2d(1, 8, 3))
        self.second = parametrizations.spectral_norm(nn.Conv2d(8, 6, 3))
        self.last = nn.Linear(6, 3)

    def forward(self, images):
        x = self.second(self.first(images).relu()).amax((2, 3))
        weight = self.last.weight
        return functional.linear(x, torch.where((weight > -1) & (weight < 1), weight, -weight))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(64, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.third.weight = self.second.weight
        self.head = nn.Linear(8, 3)

    def forward(self, images):
        x = self.first(images.flatten(1)).relu()
        return self.head(self.third(self.second(x).relu()).relu())


class TransposedTie(nn.Module):
    """A decoder with the encoder's weight, transposed: as an operation, or in the same memory."""

    def __init__(self, in_memory):
        super().__init__()
        self.encode, self.decode = nn.Linear(64, 8), nn.Linear(8, 64) if in_memory else None
        if self.decode is not None:
            self.decode.weight.data = self.encode.weight.data.t()

    def forward(self, images):
        x = self.encode(images.flatten(1)).relu()
        return x @ self.encode.weight if self.decode is None else self.decode(x)


def convolutions():
    """Return networks of convolutions with groups, and with norms over groups."""
    conv = nn.Conv2d
    return {
        "grouped": Flat(
            6 * 16, conv(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 12, 3, groups=4),
            nn.ReLU(), conv(12, 6, 1),
        ),
        "depthwise": Flat(
            16, conv(1, 8, 3), conv(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.ReLU(),
            conv(8, 16, 3, groups=8), conv(16, 4, 1),
        ),
        "group_norm": Flat(
            32, conv(1, 8, 3), nn.GroupNorm(4, 8), nn.ReLU(), conv(8, 8, 3),
            nn.GroupNorm(1, 8), conv(8, 8, 3), nn.GroupNorm(8, 8),
        ),
        "transposed": Flat(
            6, conv(1, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 6, 3), nn.PReLU(6),
            nn.AdaptiveAvgPool2d(1),
        ),
    }  # fmt: skip


def zoo():
    """Return small networks of every kind in the zoo."""
    return {
        "mlp": MLP(64, [12, 10]),
        "resnet": ResNet(8, 0.25, channels=1),
        "resnet_without_shortcuts": ResNet(8, 0.25, shortcuts=False, channels=1),
        "vgg": VGG(9, 0.1, channels=1, inputs=64),
        "densenet": DenseNet(16, 3, channels=1),
    }


def others():
    """Return the other networks, each with its input."""
    return {
        "encoder": (Encoder(batch_first=True), SEQUENCES),
        "encoder_norm_first": (Encoder(norm_first=True), SEQUENCES),
        "attention": (Attention(False), SEQUENCES),
        "attention_with_weights": (Attention(True), SEQUENCES),
        "language": (Language(), TOKENS),
        "vision": (Vision(False), IMAGES),
        "vision_with_query_norm": (Vision(True), IMAGES),
        "concatenated": (Concatenated(), IMAGES),
        "padded": (Padded(), IMAGES),
        "gated": (Gated(), IMAGES),
        "shuffled": (Shuffled(), IMAGES),
        "in_place": (InPlace(), IMAGES),
        "copied": (Copied(), IMAGES),
        "lstm": (Recurrent(nn.LSTM, True), SEQUENCES),
        "gru": (Recurrent(nn.GRU, True), SEQUENCES),
        "rnn": (Recurrent(nn.RNN, True), SEQUENCES),
        "deep_lstm": (Recurrent(nn.LSTM, False, num_layers=2, bidirectional=True), SEQUENCES),
        "projected_lstm": (Recurrent(nn.LSTM, False, num_layers=2, proj_size=4), SEQUENCES),
        "causal": (Causal(), IMAGES),
        "unknown": (Unknown(), IMAGES),
        "parametrized": (Parametrized(), IMAGES),
        "tied": (Tied(), IMAGES),
        "transposed_tie": (TransposedTie(False), IMAGES),
        **{name: (network, IMAGES) for name, network in convolutions().items()},
    }


def randomize_norms(model):
    """Give norms weights and statistics that tell their channels apart."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias)
    return model.eval()


def named(name):
    """Return a network with random weights by its name, and its input."""
    torch.manual_seed(0)
    networks = {**{one: (network, IMAGES) for one, network in zoo().items()}, **others()}
    model, inputs = networks[name]
    return randomize_norms(model), inputs
