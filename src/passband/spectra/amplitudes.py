"""Statistics of spectra, one number or profile per image."""

import torch
from torch import Tensor


def amplitude(images: Tensor) -> Tensor:
    """|DFT| with DC component in the centre (index side//2): (..., H, W) to (..., H, W)."""
    return torch.fft.fftshift(torch.fft.fft2(images).abs(), dim=(-2, -1))


def _square_distance(side: int, device: torch.device) -> Tensor:
    away = (torch.arange(side, device=device) - side // 2).abs()
    return torch.maximum(away[:, None], away)


def energy_share(spectrum: Tensor, bandwidths: list[int]) -> Tensor:
    """Share of |DFT|^2 inside the central k x k square, k even: amplitude [N, S, S] to [K, N].

    An all-zero image has no spectrum: its share is the square's share of the plane.
    """
    side, centre = spectrum.shape[-1], spectrum.shape[-1] // 2
    energy = spectrum.double().square()
    total = energy.sum((-2, -1))
    shares = []
    for bandwidth in bandwidths:
        window = slice(centre - bandwidth // 2, centre + bandwidth // 2)
        inside = energy[:, window, window].sum((-2, -1))
        shares.append(torch.where(total > 0, inside / total, (bandwidth / side) ** 2))
    return torch.stack(shares).float()


def dc_share(spectrum: Tensor) -> Tensor:
    """Share of |DFT|^2 in the DC component: amplitude [N, S, S] to [N].

    An all-zero image has no spectrum: its share is one of the plane's S^2 frequencies.
    """
    side, centre = spectrum.shape[-1], spectrum.shape[-1] // 2
    energy = spectrum.double().square()
    total = energy.sum((-2, -1))
    return torch.where(total > 0, energy[:, centre, centre] / total, side**-2).float()


def amplitude_by_radius(spectrum: Tensor) -> Tensor:
    """Mean amplitude over the square ring at each distance 0..side/2: [N, S, S] to [S/2 + 1, N]."""
    side = spectrum.shape[-1]
    ring = _square_distance(side, spectrum.device).flatten()
    sums = spectrum.new_zeros(len(spectrum), side // 2 + 1)
    sums.index_add_(1, ring, spectrum.flatten(1))
    return (sums / torch.bincount(ring)).T


def autocorrelation(images: Tensor) -> Tensor:
    """Correlation of neighbouring pixels, mean of the two directions: [N, C, H, W] to [N].

    The mean over channels and positions is removed first; a constant image gives 0.
    """
    images = images.double()
    centred = images - images.mean((1, 2, 3), keepdim=True)
    variance = centred.square().mean((1, 2, 3))
    varies = variance > 1e-20 * images.square().mean((1, 2, 3))
    down = (centred[:, :, 1:] * centred[:, :, :-1]).mean((1, 2, 3))
    right = (centred[..., 1:] * centred[..., :-1]).mean((1, 2, 3))
    return torch.where(varies, (down + right) / 2 / variance, 0.0).float()
