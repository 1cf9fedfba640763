"""Image files as a data set: every kind that has files ends here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.data.kind import Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.split import Dataset, Split, check_rows
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.data.draw import Draw

__all__ = ["build"]


@dataclass(frozen=True, eq=False)
class _Decoded:
    files: list[str]
    size: int
    slow: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, self.size, self.size

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        from PIL import Image, ImageOps

        check_rows(index, len(self.files))
        found = []
        for row in index.tolist():
            with Image.open(self.files[row]) as image:
                fitted = ImageOps.fit(image.convert("RGB"), (self.size, self.size), Image.Resampling.BILINEAR)
            found.append(torch.from_numpy(np.asarray(fitted).copy()).permute(2, 0, 1).float() / 255)
        return torch.stack(found) if found else torch.zeros(0, *self.shape)


def build(name: str, listings: Listings, wanted: Wanted) -> Dataset:
    """The data set of these listings. Raises InputError for what can't be used."""
    return Dataset(name, _split(listings.train, wanted), _split(listings.test, wanted), listings.ks, listings.notes)


def _split(listing: Listing, wanted: Wanted) -> Split:
    names, labels = np.unique(np.array(listing.classes), return_inverse=True)
    categories = None if listing.categories is None else np.unique(np.array(listing.categories), return_inverse=True)
    return Split(
        torch.from_numpy(labels),
        _Decoded([str(listing.root / path) for path in listing.paths], wanted.size),
        None if categories is None else torch.from_numpy(categories[1]),
        None if listing.is_query is None else torch.from_numpy(np.asarray(listing.is_query, bool)),
        None if listing.is_gallery is None else torch.from_numpy(np.asarray(listing.is_gallery, bool)),
        listing.paths,
        names.tolist(),
        None if categories is None else categories[0].tolist(),
    )
