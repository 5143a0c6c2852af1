"""What a low-pass and a high-pass filter of one bandwidth keep of an image."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from passband.errors import UserError
from passband.figures.images import draw_image
from passband.figures.planes import BAR, SPECTRUM_COLOURS, enlarged, log_ticks
from passband.figures.style import PAGE, new_figure
from passband.files import read_arrays


def prepared_image(dataset_file: str | Path, index: int) -> np.ndarray:
    """Image `index` of a prepared split, float64 [C, H, W] in 0..1."""
    images = read_arrays(dataset_file)["images"]
    if not 0 <= index < len(images):
        raise UserError(f"{dataset_file} holds {len(images)} images, there is no image {index}.")
    return images[index] / 255


def kept_square(side: int, bandwidth: int) -> np.ndarray:
    """Boolean [side, side]: the indices [side/2 - k/2, side/2 + k/2) of both axes."""
    start = side // 2 - bandwidth // 2
    inside = np.zeros(side, dtype=bool)
    inside[start : start + bandwidth] = True
    return inside[:, None] & inside[None, :]


def filter_image(image: np.ndarray, bandwidth: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Filter an image [C, H, W] as Section III of the SAR paper says.

    `lowpass` keeps the central `bandwidth` x `bandwidth` square of the plane with zero frequency
    shifted to the centre, `highpass` that of the plane as the FFT gives it, where the centre is
    the highest frequency. Returns the real filtered image [C, H, W] and the plane's magnitudes
    [H, W] (mean over channels) in the order in which the square was cut.
    """
    plane = np.fft.fft2(image)
    if kind == "lowpass":
        plane = np.fft.fftshift(plane, axes=(-2, -1))
    kept = plane * kept_square(image.shape[-1], bandwidth)
    if kind == "lowpass":
        kept = np.fft.ifftshift(kept, axes=(-2, -1))
    return np.fft.ifft2(kept).real, np.abs(plane).mean(axis=0)


def filters_figure(image: np.ndarray, bandwidth: int) -> Figure:
    """Two rows, low-pass and high-pass: image [C, H, W], spectrum, kept square, what is left."""
    figure = new_figure(PAGE * 0.9, 3.7, layout="compressed")
    grid = figure.subplots(2, 4)
    square = kept_square(image.shape[-1], bandwidth)
    for row, kind in zip(grid, ("lowpass", "highpass"), strict=True):
        filtered, magnitudes = filter_image(image, bandwidth, kind)
        scale = LogNorm(max(1e-4 * magnitudes.max(), magnitudes.min()), magnitudes.max(), clip=True)
        draw_image(row[0], image)
        _draw_spectrum(row[1], magnitudes, scale, bandwidth, kind)
        kept = _draw_spectrum(row[2], np.where(square, magnitudes, np.nan), scale, bandwidth, kind)
        if kind == "lowpass":
            draw_image(row[3], filtered)
        else:
            factor = max(1, int(0.5 / max(np.abs(filtered).max(), 1e-6)))
            draw_image(row[3], 0.5 + factor * filtered)
            row[3].set_xlabel(f"grey = 0, × {factor}" if factor > 1 else "grey = 0")
    for axes, title in zip(grid[0], ("image", "|FFT|", "kept", "filtered image"), strict=True):
        axes.set_title(title)
    grid[0, 0].set_ylabel(f"LPF, k = {bandwidth}")
    grid[1, 0].set_ylabel(f"HPF, k = {bandwidth}")
    for axes in grid[1, 1:3]:
        axes.set_xlabel("cycles per image")
    log_ticks(figure.colorbar(kept, ax=grid, label="mean |F| over channels", **BAR))
    return figure


def _draw_spectrum(
    axes: Axes, magnitudes: np.ndarray, scale: LogNorm, bandwidth: int, kind: str
) -> object:
    side = magnitudes.shape[-1]
    drawn = axes.imshow(
        enlarged(magnitudes),
        norm=scale,
        cmap=SPECTRUM_COLOURS,
        extent=(-0.5, side - 0.5, side - 0.5, -0.5),
    )
    corner = side // 2 - bandwidth // 2 - 0.5
    axes.add_patch(
        Rectangle((corner, corner), bandwidth, bandwidth, fill=False, ec="#d55e00", lw=1.4)
    )
    frequencies = np.fft.fftfreq(side, 1 / side).astype(int)
    if kind == "lowpass":
        frequencies = np.fft.fftshift(frequencies)
    ticks = [0, side // 4, side // 2, 3 * side // 4]
    names = [f"{frequencies[tick]}".replace("-", "−") for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.grid(False)
    return drawn
